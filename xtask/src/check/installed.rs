//! What the steps need beside the toolchain: installed where it is missing.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};

use super::runner::Runner;
use crate::{lock::FileLock, paths};

/// The version of `cargo-deny` that `deny.toml` is written for.
const CARGO_DENY: &str = "0.20.2";

/// Installs the program `kcat`, which is librdkafka's, where this is Debian or like it and we may.
pub(crate) fn kcat(runner: &Runner) -> Result<()> {
    let starts = |program: &str, argument: &str| Command::new(program).arg(argument).output().is_ok();
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
    let is_wanted = |program: &std::path::Path| {
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
    std::fs::remove_dir_all(folder.join("build")).context("cannot clear what was built")?;
    Ok(own)
}
