//! Who takes part, and how each is built.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::{check::Runner, cluster::KafkaVersion, jars};

/// A client of Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Client {
    /// This workspace's
    Ours,
    /// C
    Librdkafka,
    /// Go
    FranzGo,
    /// Kafka's own
    #[value(name = "java-client")]
    Java,
    /// Rust
    Krafka,
    /// Rust, without groups and idempotence
    Rskafka,
}

impl Client {
    pub(super) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What `build.sh` calls it.
    fn build_name(self) -> String {
        if self == Self::Java { "java".to_owned() } else { self.name() }
    }

    /// Where the peers' folder says which version it builds, and what stands before the version there.
    fn version_mark(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Ours | Self::Java => None,
            Self::Librdkafka => Some(("build.sh", "confluent-kafka-go/v2@v")),
            Self::FranzGo => Some(("franz-go/go.mod", "twmb/franz-go v")),
            Self::Krafka => Some(("krafka/Cargo.toml", "krafka = { version = \"=")),
            Self::Rskafka => Some(("rskafka/Cargo.toml", "rskafka = \"=")),
        }
    }

    /// The version that takes part.
    pub(super) fn version(self, peers: &Path) -> String {
        match self {
            Self::Ours => env!("CARGO_PKG_VERSION").to_owned(),
            Self::Java => KafkaVersion::NEWEST.to_string(),
            _ => {
                let found = self.version_mark().and_then(|(file, mark)| {
                    let text = fs::read_to_string(peers.join(file)).ok()?;
                    version_behind(&text, mark)
                });
                found.unwrap_or_else(|| "?".to_owned())
            }
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

fn version_behind(text: &str, mark: &str) -> Option<String> {
    let (_, rest) = text.split_once(mark)?;
    let version: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    (!version.is_empty()).then_some(version)
}

/// What was built, and why others were not.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) programs: Vec<(Client, PathBuf)>,
    /// What each program is, as far as its source says.
    pub(super) versions: Vec<(Client, String)>,
    pub(super) absent: Vec<(Client, String)>,
}

impl Built {
    pub(super) fn program(&self, client: Client) -> Option<&Path> {
        self.programs.iter().find(|(built, _)| *built == client).map(|(_, program)| program.as_path())
    }
}

/// The clients as they were built last.
pub(super) fn built(wanted: &[Client], folder: &Path) -> Result<Built> {
    let mut built = Built { programs: Vec::new(), versions: Vec::new(), absent: Vec::new() };
    let copy = folder.join("peers");
    for client in wanted.iter().copied() {
        let program = match client {
            Client::Ours => our_program(folder),
            peer => copy.join("bin").join(peer.name()),
        };
        anyhow::ensure!(program.is_file(), "{client} was not built yet: {} is missing", program.display());
        built.programs.push((client, program));
        built.versions.push((client, client.version(&copy)));
    }
    Ok(built)
}

/// Builds these clients: ours must succeed, a peer may be impossible on this machine.
pub(super) fn build(runner: &Runner, wanted: &[Client], peers: &Path, folder: &Path) -> Result<Built> {
    let mut built = Built { programs: Vec::new(), versions: Vec::new(), absent: Vec::new() };
    // Their own folder may be one that must not change.
    let copy = folder.join("peers");
    let there = peers.join("build.sh").is_file();
    if there {
        copy_changed(peers, &copy)?;
    }
    for client in wanted.iter().copied() {
        let program = match client {
            Client::Ours => Ok(build_ours(runner, folder)?),
            _ if !there => Err(anyhow::anyhow!("{} has no build.sh", peers.display())),
            peer => build_peer(runner, peer, &copy),
        };
        match program {
            Ok(program) => {
                built.programs.push((client, program));
                built.versions.push((client, client.version(&copy)));
            }
            Err(error) => {
                crate::interrupt::check()?;
                println!("{client} takes no part: {error:#}");
                built.absent.push((client, format!("{error:#}")));
            }
        }
    }
    Ok(built)
}

fn our_program(folder: &Path) -> PathBuf {
    folder.join(format!("ours{}", std::env::consts::EXE_SUFFIX))
}

fn build_ours(runner: &Runner, folder: &Path) -> Result<PathBuf> {
    runner.cargo(&["build", "--release", "--package", "bench", "--locked"])?;
    // A copy, so that a build in the meantime changes nothing.
    let targets = folder.parent().context("the folder is not inside target")?;
    let program = our_program(folder);
    fs::copy(targets.join("release").join(format!("bench{}", std::env::consts::EXE_SUFFIX)), &program)
        .context("cannot copy the program `bench`")?;
    Ok(program)
}

fn build_peer(runner: &Runner, peer: Client, folder: &Path) -> Result<PathBuf> {
    let mut command = runner.command("bash");
    command.current_dir(folder).args(["build.sh", &peer.build_name()]);
    // A build elsewhere would not be found.
    command.env_remove("CARGO_TARGET_DIR");
    if peer == Client::Java {
        command.env("KAFKA_LIBS", jars::folder(KafkaVersion::NEWEST)?);
    }
    runner.run(&mut command)?;
    let program = folder.join("bin").join(peer.name());
    anyhow::ensure!(program.is_file(), "its build leaves no {}", program.display());
    Ok(program)
}

/// Copies sources, and leaves alone what is the same already, so that nothing is built twice.
fn copy_changed(from: &Path, to: &Path) -> Result<()> {
    const NOT_SOURCES: [&str; 3] = ["bin", "target", "results"];
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if NOT_SOURCES.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if source.is_dir() {
            copy_changed(&source, &target)?;
            continue;
        }
        let text = fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
        if fs::read(&target).ok().as_ref() != Some(&text) {
            fs::write(&target, text).with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_where_they_are_written() {
        let text = "require github.com/twmb/franz-go v1.22.2\n";
        assert_eq!(version_behind(text, "twmb/franz-go v").as_deref(), Some("1.22.2"));
        assert_eq!(
            version_behind("krafka = { version = \"=0.28.1\"", "version = \"=").as_deref(),
            Some("0.28.1")
        );
        assert_eq!(version_behind("franz-go v", "franz-go v"), None);
        assert_eq!(version_behind("nothing", "franz-go v"), None);
    }
}
