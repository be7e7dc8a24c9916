//! Log files of brokers: what they say about a failed start, and following them.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};

/// A log file, read from a place on.
#[derive(Debug)]
pub(crate) struct Log {
    file: PathBuf,
    start: u64,
}

impl Log {
    /// What is written to this file from now on.
    pub(crate) fn mark_end(file: &Path) -> Self {
        Self { file: file.to_owned(), start: fs::metadata(file).map_or(0, |metadata| metadata.len()) }
    }

    fn read(&self) -> String {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(&self.file)?;
            file.seek(SeekFrom::Start(self.start))?;
            let mut text = Vec::new();
            file.read_to_end(&mut text)?;
            Ok(text)
        };
        read().map_or_else(|_error| String::new(), |text| String::from_utf8_lossy(&text).into_owned())
    }

    pub(crate) fn mentions(&self, words: &str) -> bool {
        self.read().contains(words)
    }

    /// The first lines that report an error, or the last lines when none does.
    pub(crate) fn complaint(&self) -> String {
        complaint(&self.read()).join("\n")
    }
}

/// The lines of a log that tell best why a broker did not start.
pub(crate) fn complaint(text: &str) -> Vec<String> {
    const LINES: usize = 6;
    let is_error =
        |line: &&str| [" ERROR ", " FATAL ", "Exception", "Error: "].iter().any(|word| line.contains(word));
    let errors: Vec<String> =
        text.lines().filter(is_error).take(LINES).map(|line| format!("  {line}")).collect();
    if !errors.is_empty() {
        return errors;
    }
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(LINES)).map(|line| format!("  {line}")).collect()
}

/// Prints the last `lines` lines of a log, and with `follow` what is appended until this program is ended.
pub(crate) fn print(file: &Path, lines: usize, follow: bool) -> Result<()> {
    let mut out = std::io::stdout();
    let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let from = text
        .iter()
        .enumerate()
        .rev()
        .filter(|(index, byte)| **byte == b'\n' && index + 1 < text.len())
        .nth(lines.saturating_sub(1))
        .map_or(0, |(index, _)| index + 1);
    out.write_all(text.get(from..).unwrap_or_default())?;
    if follow {
        follow_from(Log { file: file.to_owned(), start: text.len() as u64 }, &mut out)?;
    }
    Ok(())
}

fn follow_from(mut log: Log, out: &mut impl Write) -> Result<()> {
    loop {
        let more = log.read();
        out.write_all(more.as_bytes())?;
        out.flush()?;
        log.start += more.len() as u64;
        thread::sleep(Duration::from_millis(200));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_come_before_everything_else() {
        let text = "[t] INFO fine\n[t] ERROR bad port\n[t] INFO more\njava.net.BindException: taken\n";
        assert_eq!(complaint(text), ["  [t] ERROR bad port", "  java.net.BindException: taken"]);
    }

    #[test]
    fn without_an_error_the_last_lines_are_shown() {
        let text: String = (0..20).map(|line| format!("[t] INFO {line}\n")).collect();
        let shown = complaint(&text);
        assert_eq!(shown.len(), 6);
        assert_eq!(shown.last().map(String::as_str), Some("  [t] INFO 19"));
    }
}
