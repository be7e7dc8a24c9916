//! Kafka's own jars, taken from Maven Central by Maven into the cache, once per version.
//!
//! Concurrent runs wait for each other on a lock file; a version that is complete is used without starting Maven.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{cluster::KafkaVersion, lock::FileLock, paths};

/// What Maven is told to take.
const POM: &str = "pom.xml";
const DEPENDENCY_PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";

/// The folder with all jars of this Kafka version: broker, clients, tools and a logger; from 4.0 on Kafka Streams too.
pub(crate) fn folder(version: KafkaVersion) -> Result<PathBuf> {
    let home = paths::cache()?.join("jars");
    fs::create_dir_all(&home).with_context(|| format!("cannot create {}", home.display()))?;
    let _lock = FileLock::exclusive(&home.join(format!("{version}.lock")))?;
    let folder = home.join(version.to_string());
    if !is_complete(&folder, version) {
        fetch(version, &folder)?;
    }
    Ok(folder.join("libs"))
}

/// Fails, naming what to install, unless Java 17 or newer is there.
pub(crate) fn require_java() -> Result<()> {
    const HINT: &str = "install Java 17 or newer (Debian, Ubuntu: apt install openjdk-17-jre-headless)";
    let output = Command::new("java")
        .arg("-version")
        .output()
        .map_err(|error| anyhow::anyhow!("`java` does not start ({error}): {HINT}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match java_major(&said) {
        Some(major) if major >= 17 => Ok(()),
        Some(major) => bail!("`java` is version {major}: {HINT}"),
        None => bail!("cannot tell the version of `java` from {said:?}: {HINT}"),
    }
}

fn java_major(said: &str) -> Option<u32> {
    let quoted = said.split('"').nth(1)?;
    quoted.split(['.', '-', '+']).next()?.parse().ok()
}

fn fetch(version: KafkaVersion, folder: &Path) -> Result<()> {
    const HINT: &str = "install Maven (Debian, Ubuntu: apt install maven)";
    eprintln!("taking the jars of Kafka {version} from Maven Central into {}", folder.display());
    // Beside the folder, so that whoever runs from it finds all it needs until the new one is complete.
    let fresh = folder.with_file_name(format!("{version}.fresh"));
    clear(&fresh)?;
    fs::create_dir_all(&fresh).with_context(|| format!("cannot create {}", fresh.display()))?;
    fs::write(fresh.join(POM), pom(version))?;
    let output = Command::new("mvn")
        .args(["--batch-mode", "--quiet", "--no-transfer-progress", "-Dstyle.color=never"])
        .arg(format!("{DEPENDENCY_PLUGIN}:copy-dependencies"))
        .args(["-DoutputDirectory=libs", "-DincludeScope=runtime"])
        .current_dir(&fresh)
        .output()
        .map_err(|error| anyhow::anyhow!("`mvn` does not start ({error}): {HINT}"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        // The first error says what; the ones after it how to debug Maven.
        let said = said.lines().find(|line| line.contains("ERROR")).unwrap_or(said.as_str()).trim();
        bail!("Maven could not take the jars of Kafka {version}: {said}");
    }
    fs::write(fresh.join("complete"), jar_list(&fresh.join("libs"))?)?;
    clear(folder)?;
    fs::rename(&fresh, folder).with_context(|| format!("cannot name {} as it should be", fresh.display()))
}

fn clear(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot clear {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Complete when it was taken for what is wanted now, and the list written after the download still is what it holds.
fn is_complete(folder: &Path, version: KafkaVersion) -> bool {
    let taken_for = fs::read_to_string(folder.join(POM));
    let written = fs::read_to_string(folder.join("complete"));
    let found = jar_list(&folder.join("libs"));
    let holds_it =
        matches!((written, found), (Ok(written), Ok(found)) if written == found && !found.is_empty());
    holds_it && taken_for.is_ok_and(|taken_for| taken_for == pom(version))
}

fn jar_list(libs: &Path) -> Result<String> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(libs).with_context(|| format!("cannot read {}", libs.display()))? {
        let entry = entry?;
        lines.push(format!("{} {}\n", entry.file_name().to_string_lossy(), entry.metadata()?.len()));
    }
    lines.sort();
    Ok(lines.concat())
}

fn pom(version: KafkaVersion) -> String {
    let mut artifacts = vec![
        ("org.apache.kafka", "kafka_2.13", version.to_string()),
        ("org.apache.kafka", "kafka-tools", version.to_string()),
    ];
    if version.major >= 4 {
        // From 4.0 the broker brings log4j 2 itself, but no bridge from slf4j to it.
        artifacts.push(("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.4".to_owned()));
        artifacts.push(("org.apache.kafka", "kafka-streams", version.to_string()));
    }
    let dependencies: String = artifacts
        .into_iter()
        .map(|(group, artifact, version)| {
            format!(
                "    <dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
                 <version>{version}</version></dependency>\n"
            )
        })
        .collect();
    format!(
        "<project>\n  <modelVersion>4.0.0</modelVersion>\n  <groupId>streaming-kafka</groupId>\n  \
         <artifactId>test-cluster</artifactId>\n  <version>1</version>\n  <packaging>pom</packaging>\n  \
         <dependencies>\n{dependencies}  </dependencies>\n</project>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_java_is_read_from_what_it_prints() {
        assert_eq!(java_major("openjdk version \"17.0.15\" 2025-04-15"), Some(17));
        assert_eq!(java_major("java version \"1.8.0_402\""), Some(1));
        assert_eq!(java_major("openjdk version \"25-ea\" 2025-09-16"), Some(25));
        assert_eq!(java_major("command not found"), None);
    }

    #[test]
    fn a_jar_that_went_missing_or_is_newly_wanted_makes_the_cache_incomplete() -> Result<()> {
        const VERSION: KafkaVersion = KafkaVersion::NEWEST;
        let folder = std::env::temp_dir().join(format!("xtask-jars-{}", fastrand::u64(..)));
        let libs = folder.join("libs");
        fs::create_dir_all(&libs)?;
        assert!(!is_complete(&folder, VERSION));
        fs::write(folder.join(POM), pom(VERSION))?;
        fs::write(libs.join("a.jar"), "a")?;
        fs::write(libs.join("b.jar"), "b")?;
        assert!(!is_complete(&folder, VERSION));
        fs::write(folder.join("complete"), jar_list(&libs)?)?;
        assert!(is_complete(&folder, VERSION));
        assert!(!is_complete(&folder, KafkaVersion::OLDEST), "other jars are wanted");
        fs::remove_file(libs.join("b.jar"))?;
        assert!(!is_complete(&folder, VERSION));
        fs::remove_dir_all(&folder)?;
        Ok(())
    }
}
