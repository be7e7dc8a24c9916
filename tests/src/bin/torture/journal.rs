//! What members of a group write down, an entry a line: so it outlives them, whatever ends them.

use std::{
    fmt::{self, Write as _},
    fs::File,
    io::Write as _,
    path::Path,
    str::FromStr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Microseconds since 1970: all members run on one machine.
    pub(crate) at: u64,
    /// The member's name.
    pub(crate) member: String,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A record was handled: partition, as the record names it, and number.
    Handled(i32, u64),
    Assigned(i32),
    /// Given away; nothing of it is handled after this.
    Revoked(i32),
    /// Taken away: others may have it already.
    Lost(i32),
    /// Something failed that the member did not expect.
    Error(String),
    /// It has left the group.
    End,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.at, self.member)?;
        match &self.what {
            What::Handled(partition, number) => write!(f, "h {partition} {number}"),
            What::Assigned(partition) => write!(f, "a {partition}"),
            What::Revoked(partition) => write!(f, "r {partition}"),
            What::Lost(partition) => write!(f, "l {partition}"),
            What::Error(text) => write!(f, "e {}", text.replace('\n', " ")),
            What::End => f.write_str("x"),
        }
    }
}

impl FromStr for Entry {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().ok_or(());
        let (at, member, kind) = (word()?.parse().map_err(drop)?, word()?.to_owned(), word()?);
        let rest = words.next().unwrap_or_default();
        let partition = || rest.parse().map_err(drop);
        let what = match kind {
            "h" => {
                let (partition, number) = rest.split_once(' ').ok_or(())?;
                What::Handled(partition.parse().map_err(drop)?, number.parse().map_err(drop)?)
            }
            "a" => What::Assigned(partition()?),
            "r" => What::Revoked(partition()?),
            "l" => What::Lost(partition()?),
            "e" => What::Error(rest.to_owned()),
            "x" => What::End,
            _ => return Err(()),
        };
        Ok(Self { at, member, what })
    }
}

/// Writes entries to a file.
#[derive(Clone, Debug)]
pub(crate) struct Journal(Arc<Mutex<File>>);

impl Journal {
    pub(crate) fn create(file: &Path) -> Self {
        Self(Arc::new(Mutex::new(File::create(file).expect("a journal"))))
    }

    /// All of one moment; they are in the file when this returns.
    pub(crate) fn note(&self, member: &str, entries: impl IntoIterator<Item = What>) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        let mut text = String::new();
        for what in entries {
            writeln!(text, "{}", Entry { at, member: member.to_owned(), what }).expect("text");
        }
        self.0.lock().write_all(text.as_bytes()).expect("write the journal");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written_and_half_a_line_is_none() {
        let all = [
            What::Handled(3, 41),
            What::Assigned(3),
            What::Revoked(3),
            What::Lost(1003),
            What::Error("this and that".to_owned()),
            What::End,
        ];
        for what in all {
            let entry = Entry { at: 17, member: "m1.0".to_owned(), what };
            assert_eq!(entry.to_string().parse(), Ok(entry));
        }
        for line in ["", "17", "17 m", "17 m h", "17 m h 3", "17 m a", "x m x", "17 m q 1"] {
            assert_eq!(line.parse::<Entry>(), Err(()), "{line:?}");
        }
    }
}
