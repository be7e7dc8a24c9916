//! Where this tool keeps its files: cluster state beside the sources, downloads in the user's cache.

use std::{
    env,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::{Context, Result, bail};

/// Environment variable that moves the download cache.
pub(crate) const CACHE_VARIABLE: &str = "XTASK_CACHE_DIR";

/// The top folder of the workspace.
pub(crate) fn workspace() -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let top = manifest.parent().context("the xtask package has no parent folder")?;
    if !top.join("Cargo.toml").is_file() {
        bail!("{} is not the workspace any more: build xtask again by `cargo xtask`", top.display());
    }
    Ok(top.to_owned())
}

/// Where this program is. To be asked for once at the start: a build that replaces the file changes what the system says.
pub(crate) fn program() -> Result<&'static Path> {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    if let Some(program) = PROGRAM.get() {
        return Ok(program);
    }
    let found = env::current_exe().context("cannot find this program")?;
    Ok(PROGRAM.get_or_init(|| found))
}

/// Where clusters started from this workspace keep their state, logs and data.
pub(crate) fn clusters() -> Result<PathBuf> {
    Ok(workspace()?.join(".kafka"))
}

/// Downloads that outlive a clean checkout: `$XTASK_CACHE_DIR`, else `streaming-kafka` in the user's cache.
pub(crate) fn cache() -> Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(own) = set(CACHE_VARIABLE) {
        return std::path::absolute(&own).with_context(|| format!("{CACHE_VARIABLE}={}", own.display()));
    }
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map(|caches| caches.join("streaming-kafka"))
        .with_context(|| format!("neither {CACHE_VARIABLE}, XDG_CACHE_HOME nor HOME is set: set one of them"))
}
