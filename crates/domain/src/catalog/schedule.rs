//! Windows of the week in which a provider charges differently, in UTC.

use crate::time::Timestamp;

const MICROS_PER_MINUTE: i64 = 60_000_000;
const MINUTES_PER_DAY: u16 = 24 * 60;
const MINUTES_PER_WEEK: i64 = 7 * MINUTES_PER_DAY as i64;
/// 1970-01-01 was a Thursday: three days into a week that begins on Monday.
const EPOCH_MINUTE_OF_WEEK: i64 = 3 * MINUTES_PER_DAY as i64;

/// A named set of windows that come back every week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    name: Box<str>,
    /// Half-open ranges of minutes since Monday 00:00 UTC.
    windows: Box<[(u16, u16)]>,
}

impl Schedule {
    pub(super) fn new(name: &str, windows: Vec<(u16, u16)>) -> Self {
        Self {
            name: name.into(),
            windows: windows.into_boxed_slice(),
        }
    }

    /// What the provider calls these hours, `off_peak` for instance.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether `at` falls into one of the windows.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        let minutes = at.as_micros().div_euclid(MICROS_PER_MINUTE);
        let minute = (minutes + EPOCH_MINUTE_OF_WEEK).rem_euclid(MINUTES_PER_WEEK);
        self.windows
            .iter()
            .any(|&(from, until)| i64::from(from) <= minute && minute < i64::from(until))
    }
}

/// The minutes of the week that `hours` (`"06:00-10:00"`) takes up on `weekday`, 1 being Monday; nothing if either is not valid.
pub(super) fn window(weekday: u8, hours: &str) -> Option<(u16, u16)> {
    let (from, until) = hours.split_once('-')?;
    let (from, until) = (minute_of_day(from)?, minute_of_day(until)?);
    let midnight = u16::from(weekday.checked_sub(1)?) * MINUTES_PER_DAY;
    (weekday <= 7 && from < until).then_some((midnight + from, midnight + until))
}

/// Minutes since midnight of `"HH:MM"`, up to and including `"24:00"`.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| {
        (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<u16>().ok())?
    };
    let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= MINUTES_PER_DAY).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_window_begins_at_its_first_minute_and_ends_before_its_last() {
        let tuesday_morning = Schedule::new("morning", vec![window(2, "06:00-10:00").unwrap()]);
        assert!(!tuesday_morning.contains(at("2026-11-17T05:59:59.999999Z")));
        assert!(tuesday_morning.contains(at("2026-11-17T06:00:00Z")));
        assert!(tuesday_morning.contains(at("2026-11-17T09:59:59.999999Z")));
        assert!(!tuesday_morning.contains(at("2026-11-17T10:00:00Z")));
        assert!(!tuesday_morning.contains(at("2026-11-18T08:00:00Z")));
    }

    #[test]
    fn the_week_turns_over_on_monday_also_before_1970() {
        let sunday = Schedule::new("sunday", vec![window(7, "00:00-24:00").unwrap()]);
        assert!(sunday.contains(at("2026-11-22T23:59:59Z")));
        assert!(!sunday.contains(at("2026-11-23T00:00:00Z")));
        assert!(sunday.contains(at("1969-12-28T12:00:00Z")));
    }

    #[test]
    fn hours_that_are_not_hours_are_refused() {
        for hours in [
            "6:00-10:00",
            "10:00-06:00",
            "06:00-06:00",
            "06:60-07:00",
            "00:00-24:01",
            "06:00",
            "+6:00-10:00",
        ] {
            assert_eq!(window(1, hours), None, "{hours}");
        }
        assert_eq!(window(0, "06:00-10:00"), None);
        assert_eq!(window(8, "06:00-10:00"), None);
    }
}
