//! Clickable links.

use super::super::{Theme, render_with};

fn clickable(markdown: &str) -> String {
    render_with(markdown, 80, Theme::Colored { clickable: true }).replace('\x1b', "␛")
}

#[test]
fn a_link_is_its_text_and_leads_on() {
    assert_eq!(
        clickable("[docs](https://redis.io/a)."),
        "␛]8;;https://redis.io/a␛\\␛[4;34mdocs␛[0m␛]8;;␛\\.\n"
    );
}

#[test]
fn an_address_of_a_person_opens_a_letter() {
    assert!(clickable("<me@a.b>").starts_with("␛]8;;mailto:me@a.b␛\\"));
}

#[test]
fn each_line_of_a_wrapped_link_leads_on_by_itself() {
    let link = "[one two three four five six](https://a.b)";
    let rendered = render_with(link, 20, Theme::Colored { clickable: true });
    for line in rendered.lines() {
        assert!(line.starts_with("\x1b]8;;https://a.b\x1b\\"), "{line:?}");
        assert!(line.ends_with("\x1b]8;;\x1b\\"), "{line:?}");
    }
    assert_eq!(rendered.lines().count(), 2);
}

#[test]
fn what_a_click_must_not_open_is_shown() {
    assert_eq!(
        clickable("[me](file:///etc/passwd)"),
        "␛[4;34mme␛[0m ␛[2m<file:///etc/passwd>␛[0m\n"
    );
}

#[test]
fn a_url_cannot_smuggle_an_escape_sequence() {
    let rendered = clickable("[a](<https://a/&#27;]8;;&#7;b c>)");
    assert!(
        rendered.starts_with("␛]8;;https://a/%EF%BF%BD]8;;%EF%BF%BDb%20c␛\\")
            || rendered.starts_with("␛]8;;https://a/%1B]8;;%07b%20c␛\\"),
        "{rendered}"
    );
}
