//! Programs run in the workspace, ended with all they started when the user interrupts.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

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
        Running::start(command)?.end()
    }

    /// Prints the command and starts it, with its output to be read line by line.
    pub(crate) fn watch(&self, command: &mut Command) -> Result<Watched> {
        Watched::start(command)
    }
}

/// A program that was started. Dropped before its end, it is ended with all that it started.
#[derive(Debug)]
struct Running {
    line: String,
    child: Child,
    ended: bool,
}

impl Running {
    fn start(command: &mut Command) -> Result<Self> {
        let line = line(command);
        println!("  $ {line}");
        interrupt::check()?;
        own_group(command);
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("cannot start {program}"))?;
        Ok(Self { line, child, ended: false })
    }

    fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Waits for its end, which must be a success.
    fn end(mut self) -> Result<()> {
        let mut told = false;
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status;
            }
            if interrupt::requested() && !told {
                end_group(&self.child);
                told = true;
            }
            thread::sleep(Duration::from_millis(30));
        };
        self.ended = true;
        if !status.success() {
            bail!("`{}` ended with {status}", self.line);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended && self.child.try_wait().is_ok_and(|status| status.is_none()) {
            end_group(&self.child);
            let _status = self.child.wait();
        }
    }
}

/// A program whose output is read here. What it prints is printed too.
#[derive(Debug)]
pub(crate) struct Watched {
    running: Running,
    input: Option<ChildStdin>,
    lines: Receiver<Line>,
}

/// One line of output.
#[derive(Debug)]
pub(crate) struct Line {
    /// Standard output, and not standard error.
    out: bool,
    pub(crate) text: String,
}

impl Watched {
    fn start(command: &mut Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running::start(command)?;
        let (sender, lines) = mpsc::channel();
        if let Some(out) = running.child.stdout.take() {
            read_lines(out, true, sender.clone());
        }
        if let Some(errors) = running.child.stderr.take() {
            read_lines(errors, false, sender);
        }
        let input = running.child.stdin.take();
        Ok(Self { running, input, lines })
    }

    /// The next line of standard output or standard error; `None` when there are no more.
    pub(crate) fn next_line(&mut self) -> Result<Option<Line>> {
        loop {
            interrupt::check()?;
            match self.lines.recv_timeout(Duration::from_millis(50)) {
                Ok(line) => return Ok(Some(line)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }

    /// The next line, if it was printed already.
    pub(crate) fn line_so_far(&mut self) -> Option<Line> {
        self.lines.try_recv().ok()
    }

    pub(crate) fn is_running(&mut self) -> Result<bool> {
        self.running.is_running()
    }

    /// The number that the system gave it.
    pub(crate) fn id(&self) -> u32 {
        self.running.child.id()
    }

    /// Writes a line to its standard input.
    pub(crate) fn tell(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("its standard input is closed")?;
        writeln!(input, "{line}").and_then(|()| input.flush()).context("it reads no more")
    }

    /// Ends its standard input.
    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// Waits until it prints this line.
    pub(crate) fn wait_for(&mut self, wanted: &str) -> Result<()> {
        while let Some(line) = self.next_line()? {
            if line.text == wanted {
                return Ok(());
            }
        }
        bail!("`{}` ended before it said {wanted:?}", self.running.line)
    }

    /// Kills it, and waits until it is gone.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.running.child.kill().context("cannot kill it")?;
        self.running.child.wait()?;
        self.running.ended = true;
        Ok(())
    }

    /// Waits for its end, which must be a success; returns the last line of standard output.
    pub(crate) fn end(mut self) -> Result<Option<String>> {
        let mut last = None;
        while let Some(line) = self.next_line()? {
            last = line.out.then_some(line.text).or(last);
        }
        self.running.end()?;
        Ok(last)
    }
}

fn read_lines(source: impl Read + Send + 'static, out: bool, to: Sender<Line>) {
    thread::spawn(move || {
        for text in BufReader::new(source).lines().map_while(Result::ok) {
            println!("  | {text}");
            // Nobody reads on when the program is being ended.
            let _unread = to.send(Line { out, text });
        }
    });
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
