//! What the steps need beside the toolchain: installed where it is missing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::runner::Runner;
use crate::{lock::FileLock, paths};

/// The version of `cargo-deny` that `deny.toml` is written for.
const CARGO_DENY: &str = "0.20.2";

/// Installs the program `kcat`, which is librdkafka's, where this is Debian or like it and we may.
pub(crate) fn kcat(runner: &Runner) -> Result<()> {
    if starts("kcat", "-V") {
        return Ok(());
    }
    if !is_root() || !starts("apt-get", "--version") {
        bail!("`kcat` does not start: install it (Debian, Ubuntu: apt install kcat)");
    }
    // A fresh system has no lists of packages.
    runner.run(runner.command("apt-get").args(["update", "-qq"]))?;
    runner.run(runner.command("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args([
        "install",
        "-qq",
        "--yes",
        "--no-install-recommends",
        "kcat",
    ]))
}

fn starts(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).output().is_ok()
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// Adds targets to the toolchain that lack.
pub(crate) fn targets(runner: &Runner, wanted: &[&str]) -> Result<()> {
    let output = runner
        .command("rustup")
        .args(["target", "list", "--installed"])
        .output()
        .context("`rustup` does not start: install it from https://rustup.rs")?;
    let installed = String::from_utf8_lossy(&output.stdout).into_owned();
    let missing: Vec<&str> =
        wanted.iter().copied().filter(|target| !installed.lines().any(|line| line == *target)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    runner.run(runner.command("rustup").args(["target", "add"]).args(missing))
}

/// The program `cargo-deny`, built once into the cache unless this very version is there already.
pub(crate) fn cargo_deny(runner: &Runner) -> Result<PathBuf> {
    let wanted = format!("cargo-deny {CARGO_DENY}");
    let is_wanted = |program: &Path| {
        let output = Command::new(program).arg("--version").output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == wanted)
    };
    let on_path = PathBuf::from("cargo-deny");
    if is_wanted(&on_path) {
        return Ok(on_path);
    }
    let folder = paths::cache()?.join("tools");
    let _lock = FileLock::exclusive(&folder.join("lock"))?;
    let own = folder.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if is_wanted(&own) {
        return Ok(own);
    }
    // Unoptimised: it runs for a second, and builds in a fraction of the time.
    let install = ["install", "cargo-deny", "--locked", "--debug", "--force", "--version", CARGO_DENY];
    let mut command = runner.command("cargo");
    command.args(install).arg("--root").arg(&folder).arg("--target-dir").arg(folder.join("build"));
    command.env("CARGO_PROFILE_DEV_DEBUG", "0");
    runner.run(&mut command)?;
    fs::remove_dir_all(folder.join("build")).context("cannot clear what was built")?;
    Ok(own)
}

/// The program `valgrind`, and where its tools are if not where it was built for.
#[derive(Debug)]
pub(crate) struct Valgrind {
    program: PathBuf,
    tools: Option<PathBuf>,
}

impl Valgrind {
    /// Valgrind without options of the user's own.
    pub(crate) fn command(&self, runner: &Runner) -> Command {
        let mut command = runner.command(&self.program.display().to_string());
        command.env_remove("VALGRIND_OPTS").envs(self.tools.iter().map(|tools| ("VALGRIND_LIB", tools)));
        command
    }

    fn counts(&self, runner: &Runner) -> bool {
        let output = self.command(runner).args(["--tool=callgrind", "--version"]).output();
        output.is_ok_and(|output| output.status.success())
    }

    /// Out of a package that was unpacked here.
    fn within(folder: &Path) -> Self {
        let program = |name: &str| folder.join("usr/bin").join(name);
        // Debian's `valgrind` is a script, which knows only where the package would be installed.
        let program =
            Some(program("valgrind.bin")).filter(|found| found.is_file()).unwrap_or(program("valgrind"));
        Self { program, tools: Some(folder.join("usr/libexec/valgrind")) }
    }
}

/// Valgrind: the system's, else the package of Debian or what is like it, unpacked into the cache, which takes no rights.
pub(crate) fn valgrind(runner: &Runner) -> Result<Valgrind> {
    const HINT: &str = "install valgrind (Debian, Ubuntu: apt install valgrind)";
    let on_path = Valgrind { program: PathBuf::from("valgrind"), tools: None };
    if on_path.counts(runner) {
        return Ok(on_path);
    }
    let folder = paths::cache()?.join("tools/valgrind");
    let _lock = FileLock::exclusive(&folder.with_extension("lock"))?;
    let own = Valgrind::within(&folder);
    if own.counts(runner) {
        return Ok(own);
    }
    if !starts("apt-get", "--version") || !starts("dpkg", "--version") {
        bail!("`valgrind` does not start: {HINT}");
    }
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let apt = |arguments: &[&str]| runner.run(runner.command("apt-get").args(arguments).current_dir(&folder));
    let download = || apt(&["download", "-qq", "valgrind"]);
    // A fresh system has no lists of packages.
    let downloaded = match download() {
        Err(_) if is_root() => apt(&["update", "-qq"]).and_then(|()| download()),
        first => first,
    };
    downloaded.context(HINT)?;
    let package = package_in(&folder)?;
    runner.run(runner.command("dpkg").arg("-x").arg(&package).arg(&folder))?;
    fs::remove_file(&package)?;
    let own = Valgrind::within(&folder);
    if !own.counts(runner) {
        bail!("the `valgrind` in {} does not start: {HINT}", folder.display());
    }
    Ok(own)
}

/// The package that `apt-get` has left; its name holds its version.
fn package_in(folder: &Path) -> Result<PathBuf> {
    let files = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = files.filter_map(|entry| Some(entry.ok()?.path()));
    let mut packages = paths.filter(|path| path.extension().is_some_and(|extension| extension == "deb"));
    packages.next().with_context(|| format!("`apt-get` has left no package in {}", folder.display()))
}
