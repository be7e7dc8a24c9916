//! `cargo xtask fuzz`: mutated frames for all that reads bytes from others, millions of them.

use anyhow::Result;
use clap::Args;

use crate::{check::Runner, paths};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// `--executions`, `--target`, `--seed` and `--rounds`; `--help` explains them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds the program with checked arithmetic, and runs it.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let mut words = vec!["run", "--profile", "fuzz", "--package", "kafka-tests-fuzz", "--locked", "--"];
    words.extend(arguments.arguments.iter().map(String::as_str));
    Runner::new(paths::workspace()?).cargo(&words)
}
