//! One process, looked at from outside: what it said, the processor time it took, and its largest memory.

use std::{
    fs,
    io::Read,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::interrupt;

/// No run takes so long.
const LONGEST: Duration = Duration::from_secs(300);

/// How often its memory is looked at.
const EVERY: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Measured {
    /// The last line that it printed.
    pub(super) said: Value,
    /// User and system time of the whole process.
    pub(super) cpu_seconds: f64,
    /// The largest resident memory; `None` where the system does not tell.
    pub(super) peak_bytes: Option<u64>,
}

/// Runs a program to its end. No other process of ours may end meanwhile.
pub(super) fn run(command: &mut Command) -> Result<Measured> {
    interrupt::check()?;
    let before = cpu_of_ended_children()?;
    let mut running =
        Running(command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().context("cannot start it")?);
    let child = &mut running.0;
    let mut output = child.stdout.take().context("it has no output")?;
    let reader = thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).map(|_| text)
    });
    let (begin, mut peak_bytes) = (Instant::now(), None);
    let status = loop {
        peak_bytes = peak_bytes.max(peak_of(child.id()));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        interrupt::check()?;
        if begin.elapsed() > LONGEST {
            bail!("it did not end within {} s", LONGEST.as_secs());
        }
        thread::sleep(EVERY);
    };
    let cpu_seconds = cpu_of_ended_children()? - before;
    let text = reader.join().ok().context("its output cannot be read")??;
    if !status.success() {
        bail!("it ended with {status}: {}", text.trim());
    }
    let last = text.lines().last().context("it printed nothing")?;
    let said = serde_json::from_str(last).with_context(|| format!("{last:?} is no JSON"))?;
    Ok(Measured { said, cpu_seconds, peak_bytes })
}

/// Ended when dropped early.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where all went well.
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}

/// To the microsecond, which clock ticks are not.
#[cfg(unix)]
fn cpu_of_ended_children() -> Result<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

#[cfg(not(unix))]
fn cpu_of_ended_children() -> Result<f64> {
    bail!("this system does not tell what processor time a process took")
}

/// Linux's high-water mark. What `getrusage` says would include this program, of which the child begins as a copy.
fn peak_of(process: u32) -> Option<u64> {
    high_water_mark(&fs::read_to_string(format!("/proc/{process}/status")).ok()?)
}

fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_read() {
        assert_eq!(high_water_mark("Name:\tbench\nVmHWM:\t    1234 kB\nVmRSS:\t 1 kB\n"), Some(1234 * 1024));
        assert_eq!(high_water_mark("State:\tZ (zombie)\n"), None);
    }
}
