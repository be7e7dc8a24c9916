//! Processes that outlive this one: started in their own group, found again by pid, signalled only when they are ours.

use std::{
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

/// What a process does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activity {
    Running,
    /// Stopped by a signal, to go on later.
    Paused,
    /// Ended, or never started.
    Gone,
}

/// A signal to send; only some time after it do all threads of a process heed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Terminate,
    Kill,
    Pause,
    Resume,
}

impl Signal {
    /// What the process does in the end.
    pub(crate) fn leads_to(self) -> Activity {
        match self {
            Self::Terminate | Self::Kill => Activity::Gone,
            Self::Pause => Activity::Paused,
            Self::Resume => Activity::Running,
        }
    }
}

/// Starts a program in a process group of its own, with its output appended to `log`; returns its pid.
#[cfg(unix)]
pub(crate) fn spawn(command: &[String], log: &Path) -> Result<u32> {
    use std::{fs::File, os::unix::process::CommandExt};

    use anyhow::Context;

    let [program, arguments @ ..] = command else { bail!("there is no command to start") };
    let out = File::options()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("cannot open {}", log.display()))?;
    let errors = out.try_clone()?;
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(errors)
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    Ok(child.id())
}

/// Tells what the process with this pid does, if `marker` is one of its arguments; any other process counts as gone.
pub(crate) fn activity(pid: u32, marker: &str) -> Activity {
    let found = if Path::new("/proc/self/stat").exists() { from_proc(pid) } else { from_ps(pid) };
    match found {
        Some((state, arguments)) if arguments.iter().any(|argument| argument == marker) => match state {
            'T' | 't' => Activity::Paused,
            'Z' | 'X' => Activity::Gone,
            _ => Activity::Running,
        },
        _ => Activity::Gone,
    }
}

/// State letter and arguments of a process, from Linux's `/proc`.
fn from_proc(pid: u32) -> Option<(char, Vec<String>)> {
    const ATTEMPTS: u32 = 50;
    for _ in 0..ATTEMPTS {
        let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything, so the state is what follows the last one.
        let state = stat.rsplit(')').next()?.trim_start().chars().next()?;
        if !arguments.is_empty() || matches!(state, 'Z' | 'X') {
            let arguments = arguments.split(|byte| *byte == 0);
            return Some((state, arguments.map(|word| String::from_utf8_lossy(word).into_owned()).collect()));
        }
        // A process that is just becoming another program has no arguments for a moment.
        thread::sleep(Duration::from_millis(2));
    }
    None
}

/// The same from `ps`, where there is no `/proc`.
fn from_ps(pid: u32) -> Option<(char, Vec<String>)> {
    let output = Command::new("ps")
        .args(["-ww", "-o", "stat=,command=", "-p", &pid.to_string()])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = line.split_whitespace();
    let state = words.next()?.chars().next()?;
    Some((state, words.map(str::to_owned).collect()))
}

/// Sends a signal to the process if it is ours; says whether it was.
#[cfg(unix)]
pub(crate) fn signal(pid: u32, marker: &str, signal: Signal) -> Result<bool> {
    use anyhow::Context;
    use rustix::process::{Pid, Signal as Unix, kill_process};

    if activity(pid, marker) == Activity::Gone {
        return Ok(false);
    }
    let Some(target) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(false) };
    let sent = match signal {
        Signal::Terminate => Unix::TERM,
        Signal::Kill => Unix::KILL,
        Signal::Pause => Unix::STOP,
        Signal::Resume => Unix::CONT,
    };
    match kill_process(target, sent) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot signal process {pid}")),
    }
}

/// Waits until the process does this; says whether it did in time.
pub(crate) fn wait_for(pid: u32, marker: &str, wanted: Activity, timeout: Duration) -> bool {
    let deadline = Instant::now() + timeout;
    loop {
        if activity(pid, marker) == wanted {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(not(unix))]
pub(crate) fn spawn(_command: &[String], _log: &Path) -> Result<u32> {
    bail!("native clusters need Linux or macOS: use `--backend compose`");
}

#[cfg(not(unix))]
pub(crate) fn signal(_pid: u32, _marker: &str, _signal: Signal) -> Result<bool> {
    bail!("native clusters need Linux or macOS: use `--backend compose`");
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sleeper(marker: &str) -> Vec<String> {
        ["sh", "-c", "sleep 6; :", marker].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_process_is_paused_resumed_and_killed() {
        let marker = format!("marker-{}", fastrand::u64(..));
        let pid = spawn(&sleeper(&marker), Path::new("/dev/null")).unwrap();
        assert_eq!(activity(pid, &marker), Activity::Running);
        assert!(signal(pid, &marker, Signal::Pause).unwrap());
        assert!(wait_for(pid, &marker, Activity::Paused, Duration::from_secs(5)));
        assert!(signal(pid, &marker, Signal::Resume).unwrap());
        assert!(wait_for(pid, &marker, Activity::Running, Duration::from_secs(5)));
        assert!(signal(pid, &marker, Signal::Kill).unwrap());
        assert!(wait_for(pid, &marker, Activity::Gone, Duration::from_secs(5)));
        assert!(!signal(pid, &marker, Signal::Kill).unwrap());
    }

    #[test]
    fn a_process_with_other_arguments_is_never_signalled() {
        let marker = format!("marker-{}", fastrand::u64(..));
        let pid = spawn(&sleeper(&marker), Path::new("/dev/null")).unwrap();
        assert!(!signal(pid, "another", Signal::Kill).unwrap());
        assert_eq!(activity(pid, &marker), Activity::Running);
        assert!(signal(pid, &marker, Signal::Kill).unwrap());
        assert!(wait_for(pid, &marker, Activity::Gone, Duration::from_secs(5)));
    }
}
