//! Numbers and times as people read them.

use chrono::{DateTime, TimeDelta, Utc};
use uptime::{Minutes, Month};

/// `24,725.50`.
pub(super) fn minutes(minutes: Minutes) -> String {
    let text = minutes.to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, "00"));
    format!("{}.{decimals}", grouped(whole))
}

/// `24,725`: rounded to whole minutes, for where many numbers stand together.
pub(super) fn about(minutes: Minutes) -> String {
    grouped(&format!("{:.0}", minutes.as_f64()))
}

/// `412 h`, or `35 min` where it is less than two hours.
pub(super) fn hours(minutes: Minutes) -> String {
    let whole = minutes.as_f64();
    if whole < 120.0 { format!("{whole:.0} min") } else { format!("{} h", grouped(&format!("{:.0}", whole / 60.0))) }
}

/// A count, such as `10,000`.
pub(super) fn count(number: usize) -> String {
    grouped(&number.to_string())
}

/// `1 server`, `2 servers`.
pub(super) fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", count(number))
}

fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let mut text = String::from(sign);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `November 2026`.
pub(super) fn month(month: Month) -> String {
    month.start().format("%B %Y").to_string()
}

/// `2026-11-27 18:05`.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// `2026-11-27 18:05:20`, where seconds count.
pub(super) fn second(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// How long ago: `just now`, `35 min ago`, `3 h ago`, `12 days ago`.
pub(super) fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    match length(now - at) {
        None => "just now".to_owned(),
        Some(length) => format!("{length} ago"),
    }
}

/// `35 min`, `3 h`, `12 days`; none for less than a minute.
pub(super) fn length(time: TimeDelta) -> Option<String> {
    Some(match time.num_minutes() {
        ..=0 => return None,
        minutes @ ..120 => format!("{minutes} min"),
        minutes @ ..2880 => format!("{} h", minutes / 60),
        minutes => format!("{} days", minutes / 1440),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let text = |text: &str| minutes(text.parse().unwrap());
        assert_eq!(text("0"), "0.00");
        assert_eq!(text("999.5"), "999.50");
        assert_eq!(text("1234567.89"), "1,234,567.89");
        assert_eq!(about("24725.5".parse().unwrap()), "24,726");
        assert_eq!(hours("119".parse().unwrap()), "119 min");
        assert_eq!(hours("74073".parse().unwrap()), "1,235 h");
        assert_eq!((counted(1, "server"), counted(2000, "server")), ("1 server".into(), "2,000 servers".into()));
    }

    #[test]
    fn ages_are_as_coarse_as_they_are_long() {
        let ago = |minutes| ago(DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes));
        assert_eq!(
            [-5, 0, 1, 119, 120, 2879, 2880].map(ago).join(", "),
            "just now, just now, 1 min ago, 119 min ago, 2 h ago, 47 h ago, 2 days ago"
        );
    }
}
