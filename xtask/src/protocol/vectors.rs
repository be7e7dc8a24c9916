//! What Kafka's own Java client says, written down for `kafka-core`'s tests, so that they need no Java.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::cluster::KafkaVersion;
use crate::{jars, paths};

/// Writes the files in `protocol/testdata`; `messages` are the names of all messages.
pub(super) fn write(messages: &[String]) -> Result<()> {
    let folder = paths::workspace()?.join("crates/kafka-core/src/protocol/testdata");
    let vectors = include_str!("Vectors.java");
    let newest = KafkaVersion::NEWEST;
    let save = |name: &str, about: &str, text: String| {
        let path = folder.join(name);
        let head = format!("# {about} Written by `cargo xtask protocol --vectors`.\n");
        fs::write(&path, head + &text).with_context(|| format!("cannot write {}", path.display()))
    };
    save(
        "errors.txt",
        "Kafka's error codes: number, name, retriable, refreshes metadata.",
        java(newest, "Vectors", vectors, &["errors".to_owned()])?,
    )?;
    save(
        "messages.txt",
        "Messages as Java writes them: name, version, bytes.",
        java(newest, "Vectors", vectors, &[&["messages".to_owned()], messages].concat())?,
    )?;
    save(
        "versions-2.8.txt",
        "The APIs of Kafka 2.8: name, oldest and newest version.",
        java(KafkaVersion::OLDEST, "Versions", include_str!("Versions.java"), &[])?,
    )?;
    println!("test data in {}", folder.display());
    Ok(())
}

/// Runs a Java program that is one source file, with the jars of a Kafka version, and returns what it prints.
fn java(kafka: KafkaVersion, class: &str, source: &str, arguments: &[String]) -> Result<String> {
    jars::require_java()?;
    let classpath = jars::folder(kafka)?.join("*");
    let folder = std::env::temp_dir().join(format!("xtask-java-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let result = launch(&classpath, &folder.join(format!("{class}.java")), source, arguments);
    fs::remove_dir_all(&folder)?;
    result
}

fn launch(classpath: &Path, file: &Path, source: &str, arguments: &[String]) -> Result<String> {
    fs::write(file, source)?;
    let output = Command::new("java").arg("-cp").arg(classpath).arg(file).args(arguments).output()?;
    ensure!(
        output.status.success(),
        "{} failed:\n{}",
        file.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).context("Java printed something else than UTF-8")
}
