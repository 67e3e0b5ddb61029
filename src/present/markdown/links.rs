//! Clickable links (OSC 8).

use std::fmt::Write as _;

/// Whether a click may open the URL: a web or mail address, never a file or another scheme.
pub(super) fn is_openable(url: &str) -> bool {
    ["https://", "http://", "mailto:"].iter().any(|scheme| {
        url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// Text that links to `url`. Percent-encodes everything but printable ASCII, so that no URL can end
/// the escape sequence and begin another.
pub(super) fn linked(text: &str, url: &str) -> String {
    format!("\x1b]8;;{}\x1b\\{text}\x1b]8;;\x1b\\", encoded(url))
}

fn encoded(url: &str) -> String {
    let mut encoded = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_graphic() {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_opened_and_closed_around_its_text() {
        assert_eq!(
            linked("docs", "https://redis.io/docs?a=1;b"),
            "\x1b]8;;https://redis.io/docs?a=1;b\x1b\\docs\x1b]8;;\x1b\\"
        );
    }

    #[test]
    fn a_url_cannot_end_its_sequence() {
        assert_eq!(encoded("http://a/\x1b\\\x07\u{9c} 日"), "http://a/%1B\\%07%C2%9C%20%E6%97%A5");
    }

    #[test]
    fn only_the_web_and_mail_are_opened() {
        assert!(is_openable("HTTPS://redis.io") && is_openable("mailto:me@a.b"));
        assert!(!is_openable("file:///etc/passwd") && !is_openable("fork.png"));
    }
}
