//! Programs run in the workspace, ended with all they started when the user interrupts.

use std::{path::PathBuf, process::Command, thread, time::Duration};

use anyhow::{Context, Result, bail};

use crate::interrupt;

/// Runs programs in the workspace's top folder.
#[derive(Debug)]
pub(crate) struct Runner {
    root: PathBuf,
}

impl Runner {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// `cargo` with these arguments, run in the workspace.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Result<()> {
        self.run(self.command("cargo").args(arguments))
    }

    /// A program that will run in the workspace.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        // What `cargo run` told this program about itself is not for the programs that it runs.
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_PKG_"))
        {
            command.env_remove(name);
        }
        command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
        command
    }

    /// Prints the command, runs it with our output and fails if it does.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        let line = line(command);
        println!("  $ {line}");
        interrupt::check()?;
        own_group(command);
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().with_context(|| format!("cannot start {program}"))?;
        let mut told = false;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if interrupt::requested() && !told {
                end_group(&child);
                told = true;
            }
            thread::sleep(Duration::from_millis(30));
        };
        if !status.success() {
            bail!("`{line}` ended with {status}");
        }
        Ok(())
    }
}

/// What one would type to run it: variables, program, arguments.
fn line(command: &Command) -> String {
    let shown = |text: &std::ffi::OsStr| {
        let text = text.to_string_lossy();
        if text.contains([' ', '"']) { format!("'{text}'") } else { text.into_owned() }
    };
    let variables = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), shown(value?))));
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(shown);
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

/// A process group of its own, so that all that the program starts can be ended with it.
#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(unix)]
fn end_group(child: &std::process::Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    // It may have ended by itself in the meantime.
    let _ended = kill_process_group(Pid::from_child(child), Signal::TERM);
}

#[cfg(not(unix))]
fn own_group(_command: &mut Command) {}

/// Here Ctrl-C reaches the whole console, and so the child too.
#[cfg(not(unix))]
fn end_group(_child: &std::process::Child) {}
