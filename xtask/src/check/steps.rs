//! The steps of a test run.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{clusters::Clusters, installed, instructions, main_job, runner::Runner};
use crate::{paths, torture};

/// Systems that the library must build for, beside the one that runs the tests.
const OTHER_SYSTEMS: [&str; 2] = ["x86_64-pc-windows-msvc", "aarch64-apple-darwin"];

/// Targets of the static binary; the first one is run.
const STATIC: [&str; 2] = ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"];

/// How many tests on real clusters run at once: most of their time goes by waiting for brokers, not working.
const REAL_TESTS_AT_ONCE: &str = "4";

/// What the simulation draws from: two minutes' worth.
const SEEDS: &str = "0..3000";

/// The package whose tests run on real clusters and on embedded brokers.
const SUITE: &str = "kafka-tests";

/// The package of the tests that take a real cluster.
const ONLY_REAL: &str = "kafka-tests-real";

/// Where the tests find the program `kafka-embedded`.
const EMBEDDED: &str = "KAFKA_TESTS_EMBEDDED";

/// Steps by what they need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// Without a cluster.
    Fast,
    /// On real clusters.
    Cluster,
}

impl Group {
    pub(crate) const ALL: [Self; 2] = [Self::Fast, Self::Cluster];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Cluster => "cluster",
        }
    }
}

/// One thing that must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Format,
    Clippy,
    Unit,
    Docs,
    Deny,
    Protocol,
    Systems,
    Static,
    Instructions,
    Simulation,
    Real,
    MainJob,
    Torture,
}

impl Step {
    pub(crate) const ALL: [Self; 13] = [
        Self::Format,
        Self::Clippy,
        Self::Unit,
        Self::Docs,
        Self::Deny,
        Self::Protocol,
        Self::Systems,
        Self::Static,
        Self::Instructions,
        Self::Simulation,
        Self::Real,
        Self::MainJob,
        Self::Torture,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Format => "fmt",
            Self::Clippy => "clippy",
            Self::Unit => "unit",
            Self::Docs => "doc",
            Self::Deny => "deny",
            Self::Protocol => "protocol",
            Self::Systems => "systems",
            Self::Static => "static",
            Self::Instructions => "instructions",
            Self::Simulation => "simulation",
            Self::Real => "real",
            Self::MainJob => "quickstart",
            Self::Torture => "torture",
        }
    }

    pub(crate) fn purpose(self) -> &'static str {
        match self {
            Self::Format => "the sources are formatted",
            Self::Clippy => "no lint complains",
            Self::Unit => {
                "unit, property and documentation tests, and the whole client on brokers in the process"
            }
            Self::Docs => "the documentation builds without a warning",
            Self::Deny => "no dependency compiles C, has an unsuitable licence or comes from elsewhere",
            Self::Protocol => "the generated messages are what the schemas say",
            Self::Systems => "the workspace builds for other systems",
            Self::Static => "static binaries build without a C compiler",
            Self::Instructions => "a record takes no more machine instructions than before",
            Self::Simulation => "thousands of clusters, clients and mishaps drawn from seeds",
            Self::Real => "tests on real clusters of one and three brokers, and on the oldest Kafka",
            Self::MainJob => "the static binary's main job over every listener, and while a broker is killed",
            Self::Torture => "numbered records survive a minute of broken brokers, connections and members",
        }
    }

    pub(crate) fn group(self) -> Group {
        match self {
            Self::Real | Self::MainJob | Self::Torture => Group::Cluster,
            _ => Group::Fast,
        }
    }

    /// Whether names of tests mean anything to this step.
    pub(crate) fn takes_filters(self) -> bool {
        matches!(self, Self::Unit | Self::Real)
    }
}

/// What a run carries from step to step.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) runner: &'a Runner,
    pub(crate) clusters: Clusters,
    pub(crate) filters: &'a [String],
}

impl Session<'_> {
    pub(crate) fn run(&mut self, step: Step) -> Result<()> {
        let runner = self.runner;
        match step {
            Step::Format => runner.cargo(&["fmt", "--all", "--check"]),
            Step::Clippy => {
                runner.cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
            }
            Step::Unit => self.test(&["--workspace", "--exclude", ONLY_REAL], Vec::new()),
            Step::Docs => {
                let mut command = runner.command("cargo");
                command.args(["doc", "--workspace", "--no-deps", "--locked"]);
                runner.run(command.env("RUSTDOCFLAGS", "-D warnings"))
            }
            Step::Deny => self.deny(),
            Step::Protocol => {
                let own = paths::program()?;
                runner.run(runner.command(&own.display().to_string()).args(["protocol", "--check"]))
            }
            Step::Systems => {
                installed::targets(runner, &OTHER_SYSTEMS)?;
                OTHER_SYSTEMS.iter().try_for_each(|target| {
                    runner.cargo(&["check", "--workspace", "--locked", "--target", target])
                })
            }
            Step::Static => {
                installed::targets(runner, &STATIC)?;
                STATIC.iter().try_for_each(|target| self.build_static(target))
            }
            Step::Instructions => {
                // Built as the static binary is, so that its dependencies are built already.
                let [target, ..] = STATIC;
                installed::targets(runner, &[target])?;
                instructions::hold_to_bounds(runner, target)
            }
            Step::Simulation => self.simulate(),
            Step::Real => {
                installed::kcat(runner)?;
                let mut variables = self.clusters.for_tests()?;
                variables.push(("RUST_TEST_THREADS".to_owned(), REAL_TESTS_AT_ONCE.to_owned()));
                let names = self.real_tests()?;
                // Selected among all packages and not by package, so that dependencies keep the features they were
                // built with for the unit tests.
                let mut arguments = vec!["--workspace"];
                arguments.extend(names.iter().flat_map(|name| ["--test", name.as_str()]));
                variables.push((EMBEDDED.to_owned(), self.embedded_program(&arguments)?));
                self.test(&arguments, variables)
            }
            Step::MainJob => self.main_job(),
            Step::Torture => torture::short(runner, &self.clusters.three()?.name),
        }
    }

    fn test(&self, packages: &[&str], variables: Vec<(String, String)>) -> Result<()> {
        let mut command = self.runner.command("cargo");
        command.args(["test", "--locked"]).args(packages).arg("--").args(self.filters).envs(variables);
        self.runner.run(&mut command)
    }

    /// Built as the static binary is, so that its dependencies are built already.
    fn simulate(&self) -> Result<()> {
        installed::targets(self.runner, &STATIC[..1])?;
        let mut command = self.runner.command("cargo");
        command.args(["test", "--release", "--locked", "--target", STATIC[0]]);
        command.args([
            "--package",
            "streaming-kafka",
            "--test",
            "embedded",
            "--",
            "--nocapture",
            "promises_are_kept",
        ]);
        self.runner.run(command.env("SEEDS", SEEDS))
    }

    fn deny(&self) -> Result<()> {
        let program = installed::cargo_deny(self.runner)?;
        // Every target's dependencies have to be here before it can do without the network.
        self.runner.cargo(&["fetch", "--locked", "--quiet"])?;
        let mut command = self.runner.command(&program.display().to_string());
        self.runner.run(command.args([
            "--offline",
            "check",
            "--hide-inclusion-graph",
            "bans",
            "licenses",
            "sources",
        ]))
    }

    fn build_static(&self, target: &str) -> Result<()> {
        let mut command = self.runner.command("cargo");
        command.args(["build", "--release", "--locked", "--target", target]).args([
            "--package",
            "streaming-kafka",
            "--example",
            "quickstart",
        ]);
        if STATIC.first() != Some(&target) {
            // It is not run, and what it links does not depend on this: it builds in a fraction of the time.
            command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
        }
        self.runner.run(command.env("CC", "/bin/false"))?;
        let binary = self.static_binary(target)?;
        let elf = std::fs::read(&binary).with_context(|| format!("cannot read {}", binary.display()))?;
        if names_an_interpreter(&elf) {
            bail!("{} is not static: it names a dynamic linker", binary.display());
        }
        println!("  {}: static, {} bytes", binary.display(), elf.len());
        Ok(())
    }

    fn target_directory(&self) -> Result<PathBuf> {
        let metadata = self.metadata()?;
        let folder = metadata.get("target_directory").and_then(Value::as_str);
        Ok(PathBuf::from(folder.context("`cargo metadata` names no target directory")?))
    }

    fn static_binary(&self, target: &str) -> Result<PathBuf> {
        Ok(self.target_directory()?.join(target).join("release/examples/quickstart"))
    }

    /// Builds the program `kafka-embedded`, selected with these tests so that it shares all that they are built from.
    fn embedded_program(&self, tests: &[&str]) -> Result<String> {
        const NAME: &str = "kafka-embedded";
        let mut command = self.runner.command("cargo");
        self.runner.run(command.args(["build", "--locked"]).args(tests).args(["--bin", NAME]))?;
        let program = self.target_directory()?.join("debug").join(NAME);
        Ok(program.with_extension(std::env::consts::EXE_EXTENSION).display().to_string())
    }

    /// The names of the test programs that run on real clusters.
    fn real_tests(&self) -> Result<Vec<String>> {
        let metadata = self.metadata()?;
        let mut names = Vec::new();
        for package in [SUITE, ONLY_REAL] {
            let found = tests_of(&metadata, package);
            ensure!(!found.is_empty(), "the package {package} has no tests");
            names.extend(found);
        }
        Ok(names)
    }

    fn metadata(&self) -> Result<Value> {
        let mut command = self.runner.command("cargo");
        command.args(["metadata", "--format-version", "1", "--no-deps", "--offline"]);
        let output = command.output().context("cannot run `cargo metadata`")?;
        if !output.status.success() {
            bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn main_job(&mut self) -> Result<()> {
        let [target, ..] = STATIC;
        installed::targets(self.runner, &[target])?;
        self.build_static(target)?;
        let binary = self.static_binary(target)?;
        main_job::run(self.runner, &mut self.clusters, &binary)
    }
}

fn tests_of(metadata: &Value, package: &str) -> Vec<String> {
    let list =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let is_test = |target: &Value| list(target, "kind").iter().any(|kind| kind == "test");
    let packages = list(metadata, "packages");
    let wanted = packages.iter().filter(|found| text(found, "name").as_deref() == Some(package));
    let targets = wanted.flat_map(|found| list(found, "targets"));
    targets.filter(is_test).filter_map(|target| text(&target, "name")).collect()
}

/// Whether an ELF file of 64 bits, little-endian, asks for a dynamic linker (a program header `PT_INTERP`).
fn names_an_interpreter(elf: &[u8]) -> bool {
    const INTERPRETER: u32 = 3;
    const HEADER: usize = 56;
    let bytes = |at: usize, length: usize| elf.get(at..at.checked_add(length)?);
    let number = |at: usize, length: usize| {
        bytes(at, length)
            .map(|found| found.iter().rev().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte)))
    };
    let (Some(table), Some(count)) = (number(32, 8), number(56, 2)) else { return false };
    (0..count).any(|index| number(table.saturating_add(index * HEADER), 4) == Some(INTERPRETER as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_listed_under_a_name_of_its_own() {
        let mut names: Vec<&str> = Step::ALL.iter().map(|step| step.name()).collect();
        names.extend(Group::ALL.iter().map(|group| group.name()));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Step::ALL.len() + Group::ALL.len());
    }

    #[test]
    fn the_test_programs_of_one_package_are_found() {
        let metadata = serde_json::json!({"packages": [
            {"name": "other", "targets": [{"name": "no", "kind": ["test"]}]},
            {"name": "mine", "targets": [{"name": "mine", "kind": ["lib"]}, {"name": "yes", "kind": ["test"]}]},
        ]});
        assert_eq!(tests_of(&metadata, "mine"), ["yes"]);
        assert!(tests_of(&metadata, "none").is_empty());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_dynamic_program_is_told_from_what_is_not_one() {
        let shell = std::fs::read("/bin/sh").unwrap();
        assert!(names_an_interpreter(&shell));
        assert!(!names_an_interpreter(&[0; 64]));
        assert!(!names_an_interpreter(b"no program at all"));
    }
}
