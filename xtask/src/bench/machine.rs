//! The machine that figures hold for.

use std::{fs, process::Command};

/// What it is, one fact a line; what cannot be found out is left out.
pub(super) fn facts() -> Vec<(&'static str, String)> {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let processor = field("/proc/cpuinfo", "model name").map(|model| format!("{cores} cores of {model}"));
    let memory = field("/proc/meminfo", "MemTotal").and_then(|total| {
        let kib: u64 = total.trim_end_matches("kB").trim().parse().ok()?;
        Some(format!("{} GiB", kib.div_ceil(1 << 20)))
    });
    let system = field("/etc/os-release", "PRETTY_NAME").map(|name| name.trim_matches('"').to_owned());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned());
    let facts = [
        ("date", said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("processor", processor),
        ("memory", memory),
        ("system", system.zip(kernel).map(|(system, kernel)| format!("{system}, Linux {kernel}"))),
        ("compiler", said("rustc", &["--version"])),
    ];
    facts.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
}

/// How many processes wanted to run in the last minute, on average.
pub(super) fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// The value of a field in a file of names and values.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    value(&text, name)
}

fn value(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once([':', '='])?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name() {
        let text = "processor\t: 0\nmodel name\t: A: B\nPRETTY_NAME=\"Debian\"\n";
        assert_eq!(value(text, "model name").as_deref(), Some("A: B"));
        assert_eq!(value(text, "PRETTY_NAME").as_deref(), Some("\"Debian\""));
        assert_eq!(value(text, "model"), None);
    }
}
