use std::time::Duration;

use super::SettingValue;
use crate::config::ConfigErrorKind;

/// What sort of value a setting takes, and where it goes in the typed config `T`.
pub(crate) enum Kind<T: 'static> {
    /// `true` or `false`.
    Flag(fn(&mut T, bool)),
    /// A whole number between two bounds, both allowed.
    Whole { unit: &'static str, min: i64, max: i64, set: fn(&mut T, i64) },
    /// Any text that is not empty.
    Text(fn(&mut T, &str)),
    /// One of some names; several may mean the same.
    Choice(&'static [Name<T>]),
    /// A text with a form of its own; `false` if it does not have it.
    Form { expects: &'static str, set: fn(&mut T, &str) -> bool },
    /// A list of texts; `false` if one is wrong.
    List { expects: &'static str, set: fn(&mut T, &[String]) -> bool },
    /// The same, where numbers may be written as such.
    Items { expects: &'static str, set: fn(&mut T, &[String]) -> bool },
}

/// A name, and what it chooses.
pub(crate) type Name<T> = (&'static str, fn(&mut T));

/// Kafka's own bound for most sizes and times.
pub(super) const MAX: i64 = i32::MAX as i64;

/// What is wrong with a value.
pub(crate) struct Refused(pub(super) ConfigErrorKind);

impl<T> Kind<T> {
    pub(super) fn expects(&self) -> String {
        match self {
            Self::Flag(_) => "`true` or `false`".to_owned(),
            Self::Whole { unit, min, max, .. } if *max == i64::MAX => {
                format!("a whole number{unit} of at least {min}")
            }
            Self::Whole { unit, min, max, .. } => format!("a whole number{unit} from {min} to {max}"),
            Self::Text(_) => "a text that is not empty".to_owned(),
            Self::Choice(names) => {
                let names: Vec<_> = names.iter().map(|(name, _)| format!("`{name}`")).collect();
                match names.as_slice() {
                    [one] => one.clone(),
                    _ => format!("one of {}", names.join(", ")),
                }
            }
            Self::Form { expects, .. } | Self::List { expects, .. } | Self::Items { expects, .. } => {
                (*expects).to_owned()
            }
        }
    }

    pub(super) fn apply(&self, target: &mut T, value: &SettingValue) -> Result<(), Refused> {
        let wrong_type = || Refused(ConfigErrorKind::WrongType);
        let allowed = |ok: bool| if ok { Ok(()) } else { Err(Refused(ConfigErrorKind::OutOfRange)) };
        match self {
            Self::Flag(set) => set(target, value.flag().ok_or_else(wrong_type)?),
            Self::Whole { min, max, set, .. } => {
                let number = value.whole().ok_or_else(wrong_type)?;
                allowed((*min..=*max).contains(&number))?;
                set(target, number);
            }
            Self::Text(set) => {
                let text = value.text().ok_or_else(wrong_type)?;
                allowed(!text.is_empty())?;
                set(target, text);
            }
            Self::Choice(names) => {
                let word = value.word().ok_or_else(wrong_type)?;
                let choice = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(&word));
                let (_, set) = choice.ok_or(Refused(ConfigErrorKind::OutOfRange))?;
                set(target);
            }
            Self::Form { set, .. } => allowed(set(target, value.text().ok_or_else(wrong_type)?))?,
            Self::List { set, .. } => allowed(set(target, &value.words().ok_or_else(wrong_type)?))?,
            Self::Items { set, .. } => allowed(set(target, &value.items().ok_or_else(wrong_type)?))?,
        }
        Ok(())
    }
}

/// A number of milliseconds that has been checked not to be negative.
pub(super) fn millis(value: i64) -> Duration {
    Duration::from_millis(value.unsigned_abs())
}

/// A number of bytes or things that has been checked not to be negative.
pub(super) fn size(value: i64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// A number that has been checked to be at most [`MAX`].
pub(super) fn int(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// A socket buffer: `-1` leaves the system's.
pub(super) fn buffer(value: i64) -> Option<usize> {
    usize::try_from(value).ok()
}
