//! What a group handled, seen over the journals of all its members in the order of time.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufRead, BufReader},
    ops::Range,
    path::PathBuf,
};

use kafka_tests::chain::{Chains, LIFE};

use crate::journal::{Entry, What};

/// What may be held against a group, and what may not.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// Members that were killed, frozen or too slow: what they handled last may come again elsewhere, and they may lose
    /// partitions.
    pub(crate) broken: BTreeSet<String>,
    /// Microseconds since 1970 between which no partition of a sound member may move that was there before.
    pub(crate) quiet: Vec<Range<u64>>,
    /// For a while there was no topic.
    pub(crate) made_anew: bool,
}

/// What all members did.
#[derive(Debug, Default)]
pub(crate) struct Handled {
    pub(crate) all: Chains,
    /// The same without members that were broken: here nothing may be repeated.
    pub(crate) sound: Chains,
    /// How often two sound members had one partition, or a member handled what it did not have.
    pub(crate) owned_twice: u64,
    /// How often a partition of a sound member moved when it must not.
    pub(crate) disturbed: u64,
    pub(crate) damaged: u64,
    pub(crate) errors: BTreeMap<String, u64>,
}

impl Handled {
    pub(crate) fn read(journals: &[PathBuf], course: &Course) -> Self {
        let mut handled = Self::default();
        let mut owners = BTreeMap::new();
        let mut listening = BTreeMap::new();
        for entry in merged(journals) {
            handled.take(&entry, course, &mut owners, &mut listening);
        }
        handled
    }

    fn take(
        &mut self,
        entry: &Entry,
        course: &Course,
        owners: &mut BTreeMap<i32, String>,
        listening: &mut BTreeMap<String, u64>,
    ) {
        let member = &entry.member;
        let sound = !course.broken.contains(member);
        match &entry.what {
            What::Handled(partition, number) => {
                self.all.note(*partition, *number);
                if sound {
                    self.sound.note(*partition, *number);
                    let owner = owners.get(&(partition % LIFE));
                    if listening.contains_key(member) && owner != Some(member) {
                        self.owned_twice += 1;
                    }
                }
            }
            What::Assigned(partition) => {
                listening.entry(member.clone()).or_insert(entry.at);
                let before = owners.insert(*partition, member.clone());
                if sound && before.is_some_and(|before| !course.broken.contains(&before)) {
                    eprintln!("{entry}: another member has it still");
                    self.owned_twice += 1;
                }
            }
            What::Revoked(partition) | What::Lost(partition) => {
                if owners.get(partition) == Some(member) {
                    owners.remove(partition);
                }
            }
            What::Error(text) if text.starts_with("damaged") => self.damaged += 1,
            What::Error(text) => {
                if !is_explained(text, sound, course.made_anew) {
                    *self.errors.entry(format!("{member}: {text}")).or_default() += 1;
                }
            }
            What::End => {}
        }
        let moves = matches!(entry.what, What::Assigned(_) | What::Revoked(_) | What::Lost(_));
        let since = listening.get(member).copied().unwrap_or(entry.at);
        let too_soon = |quiet: &Range<u64>| quiet.contains(&entry.at) && since < quiet.start;
        if moves && sound && course.quiet.iter().any(too_soon) {
            eprintln!("{entry}: it must not move now");
            self.disturbed += 1;
        }
    }
}

/// A commit in the midst of a rebalance is made good by the next; a member that was broken may hear of what happened
/// meanwhile.
fn is_explained(text: &str, sound: bool, made_anew: bool) -> bool {
    let of_kind = |kinds: &[&str]| text.split(' ').nth(1).is_some_and(|kind| kinds.contains(&kind));
    if text.starts_with("commit ") && of_kind(&["RebalanceInProgress"]) {
        return true;
    }
    if made_anew && of_kind(&["UnknownTopic"]) {
        return true;
    }
    !sound && of_kind(&["CommitFailed", "RebalanceInProgress", "MaxPollIntervalExceeded", "Timeout"])
}

/// The entries of all journals, by time. The last line of a member that was killed may be cut off.
fn merged(journals: &[PathBuf]) -> impl Iterator<Item = Entry> {
    let mut sources: Vec<_> = journals
        .iter()
        .map(|file| BufReader::new(File::open(file).expect("a journal")).lines())
        .map(|lines| lines.map_while(Result::ok).filter_map(|line| line.parse::<Entry>().ok()).peekable())
        .collect();
    std::iter::from_fn(move || {
        let times = sources.iter_mut().map(|source| source.peek().map_or(u64::MAX, |entry| entry.at));
        let (index, _) = times.enumerate().min_by_key(|(_, at)| *at)?;
        sources.get_mut(index)?.next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(lines: &str, course: &Course) -> Handled {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal");
        std::fs::write(&file, lines).unwrap();
        Handled::read(&[file], course)
    }

    #[test]
    fn a_repeat_is_explained_by_a_broken_member_alone() {
        let lines = "1 a h 0 0\n2 a h 0 1\n3 b h 0 1\n4 b h 0 2\n";
        let sound = judge(lines, &Course::default());
        assert_eq!((sound.sound.repeated(), sound.all.count()), (1, 3));
        let course = Course { broken: ["a".to_owned()].into(), ..Course::default() };
        let broken = judge(lines, &course);
        assert_eq!((broken.sound.repeated(), broken.all.repeated(), broken.all.count()), (0, 1, 3));
        // What the others repeat is not explained by it.
        assert_eq!(judge(&format!("{lines}5 c h 0 2\n"), &course).sound.repeated(), 1);
    }

    #[test]
    fn journals_are_read_in_the_order_of_time() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a", "b"].map(|name| folder.path().join(name));
        std::fs::write(&files[0], "1 a h 0 0\n5 a h 0 2\n").unwrap();
        std::fs::write(&files[1], "3 b h 0 1\n7 b h 0 3\n8 b h 0").unwrap();
        let handled = Handled::read(&files, &Course::default());
        assert_eq!((handled.all.count(), handled.all.out_of_order()), (4, 0));
    }

    #[test]
    fn a_partition_with_two_owners_is_noticed() {
        let fair = "1 a a 0\n2 a h 0 0\n3 a r 0\n4 b a 0\n5 b h 0 1\n";
        assert_eq!(judge(fair, &Course::default()).owned_twice, 0);
        let unfair = "1 a a 0\n4 b a 0\n5 b h 0 1\n6 a h 0 0\n";
        assert_eq!(judge(unfair, &Course::default()).owned_twice, 2);
        let course = Course { broken: ["a".to_owned()].into(), ..Course::default() };
        assert_eq!(judge(unfair, &course).owned_twice, 0);
    }

    #[test]
    fn partitions_rest_when_they_must() {
        let lines = "1 a a 0\n10 a r 0\n11 a a 0\n12 c a 2\n20 b a 1\n";
        let course = Course { quiet: [5..15, 30..40].into(), ..Course::default() };
        assert_eq!(judge(lines, &course).disturbed, 2);
        let broken = Course { broken: ["a".to_owned()].into(), ..course };
        assert_eq!(judge(lines, &broken).disturbed, 0);
    }

    #[test]
    fn an_error_is_explained_where_it_can_come_from() {
        let lines =
            "1 a e commit RebalanceInProgress wait\n2 a e commit CommitFailed gone\n3 a e poll Cluster x\n";
        assert_eq!(judge(lines, &Course::default()).errors.len(), 2);
        let course = Course { broken: ["a".to_owned()].into(), ..Course::default() };
        assert_eq!(judge(lines, &course).errors.len(), 1);
        let lines = "1 a e poll UnknownTopic gone\n";
        assert_eq!(judge(lines, &Course::default()).errors.len(), 1);
        assert!(judge(lines, &Course { made_anew: true, ..Course::default() }).errors.is_empty());
    }
}
