//! Expected values: what is met by what.

use redis::Value;

use super::checks::check;
use super::*;
use crate::checks::expected::Expected;
use crate::redis_cli::reply::Printed;

fn expected(value: &str) -> Expected {
    let check = check(&format!("reply = {{ \"GET a\" = {value} }}"));
    check.subject.expected_replies()[0].1.clone()
}

fn met(value: &str, replies: &[Value]) -> Vec<bool> {
    let expected = expected(value);
    replies.iter().map(|reply| expected.is_met_by(&Printed::new(reply))).collect()
}

fn text(text: &str) -> Value {
    Value::BulkString(text.into())
}

fn error(text: &str) -> Value {
    redis::parse_redis_value(format!("-{text}\r\n").as_bytes()).unwrap()
}

#[test]
fn text_is_met_with_or_without_quotes() {
    let replies = [text("paid"), text("unpaid"), Value::Nil, Value::Int(3)];
    assert_eq!(met("\"paid\"", &replies), [true, false, false, false]);
    assert_eq!(met("'\"paid\"'", &replies), [true, false, false, false]);
    assert_eq!(met("\"(nil)\"", &replies), [false, false, true, false]);
    assert_eq!(met("3", &replies), [false, false, false, true]);
    assert_eq!(met("\"(integer) 3\"", &replies), [false, false, false, true]);
}

#[test]
fn a_comparison_is_met_by_integers_and_by_strings_that_are_numbers() {
    let numbers = [Value::Int(1800), text("1795"), text("1790.5")];
    assert_eq!(met("\">= 1790\"", &numbers), [true, true, true]);
    assert_eq!(met("[\">= 1790\", \"<= 1800\"]", &numbers), [true, true, true]);
    assert_eq!(met("[\"> 1790\", 1795]", &numbers), [false, true, false]);
    assert_eq!(met("1790.5", &numbers), [false, false, true]);
    assert_eq!(met("\"!= -1\"", &[Value::Int(-2), Value::Int(-1)]), [true, false]);
    let others = ["1795 ", "+1795", "1795x", "1e9", "inf", ""].map(text);
    assert_eq!(met("\">= 0\"", &others), [false; 6]);
    assert_eq!(met("\"!= 0\"", &[Value::Nil, error("ERR 1800"), text("a")]), [false; 3]);
}

#[test]
fn dots_stand_for_anything_but_an_error() {
    let list = Value::Array(vec![text("a"), Value::Int(7), text("c")]);
    let numbers = [Value::Int(7), text("7"), text("(integer) 7")];
    assert_eq!(met("\"(integer) ...\"", &numbers), [true, false, false]);
    let texts = [text("order:1 paid"), text("cart"), error("order: no")];
    assert_eq!(met("\"order:...\"", &texts), [true, false, false]);
    assert_eq!(met("'''1) \"a\"\n...\n3) \"c\"'''", &[list.clone(), text("a")]), [true, false]);
    assert_eq!(met("'...\"c\"'", &[list, text("c")]), [false, true]);
    let refused = error("WRONGTYPE Operation against a key");
    assert_eq!(met("\"(error) WRONGTYPE...\"", std::slice::from_ref(&refused)), [true]);
    assert_eq!(met("\"...WRONG...\"", &[refused]), [false]);
    let all = with_subject("reply = { \"GET a\" = \"...\" }");
    assert_told(&all, "14:21: every reply is like `...`");
}

#[test]
fn the_line_breaks_around_a_block_do_not_count() {
    let list = [Value::Array(vec![text("a"), Value::Nil])];
    for block in ["\"\"\"\n1) \"a\"\n2) (nil)\n\"\"\"", "'''1) \"a\"\n2) (nil)\n'''"] {
        assert_eq!(met(block, &list), [true], "{block}");
    }
    // One line in simple quotes is compared as it stands.
    assert_eq!(met("\"a\\n\"", &[text("a\n"), text("a")]), [true, false]);
}

#[test]
fn a_regex_is_found_in_the_bare_text_or_in_redis_clis() {
    let replies = [text("order:17"), text("order:x"), Value::Int(17), Value::Nil];
    assert_eq!(met("{ matches = \"^order:[0-9]+$\" }", &replies), [true, false, false, false]);
    assert_eq!(met("{ matches = '\\(integer\\) 1' }", &replies), [false, false, true, false]);
    let refused = error("ERR no such key");
    assert_eq!(met("{ matches = \".\" }", &[refused.clone(), text("a")]), [false, true]);
    assert_eq!(met("{ matches = \"error.*no such\" }", &[refused]), [true]);
    let broken = with_subject("reply = { \"GET a\" = { matches = \"(\" } }");
    assert_told(&broken, "14:33: invalid regex");
}

#[test]
fn exact_text_may_look_like_a_comparison_or_hold_dots() {
    assert_eq!(met("{ text = \"> 3\" }", &[text("> 3"), text("4")]), [true, false]);
    assert_eq!(met("{ text = \"a...\" }", &[text("a..."), text("abc")]), [true, false]);
    for shown in ["> x", "!important", "="] {
        let source = with_subject(&format!("reply = {{ \"GET a\" = \"{shown}\" }}"));
        let told = told(&source).join("\n");
        assert!(told.contains(&format!("`{shown}` looks like a comparison, but")), "{told}");
        assert!(told.contains(&format!("write `{{ text = \"{shown}\" }}`")), "{told}");
    }
    assert_told(
        &with_subject("reply = { \"GET a\" = \"> 9007199254740993\" }"),
        "14:21: `> 9007199254740993` looks like a comparison, but has too large a number",
    );
}

#[test]
fn what_was_replied_can_be_expected_of_replies_only() {
    assert!(told(&with_subject("reply = { \"GET a\" = { replied = \"PUBLISH b\" } }")).is_empty());
    assert_told(
        &with_subject("config = { save = { replied = \"PUBLISH b\" } }"),
        "14:21: unknown key `replied` in an expected value",
    );
    assert_told(
        &with_subject("reply = { \"GET a\" = { mathces = \"b\" } }"),
        "14:23: unknown key `mathces` in an expected value (did you mean `matches`?)",
    );
}

#[test]
fn a_list_holds_comparisons_only() {
    let source = with_subject("reply = { \"GET a\" = [\"paid\"] }");
    assert_told(&source, "14:22: \"paid\" is not a comparison");
    let source = with_subject("reply = { \"GET a\" = [true] }");
    assert_told(&source, "14:22: `GET a` must be a list of comparisons");
}

#[test]
fn expectations_are_said_in_words() {
    for (value, words) in [
        ("\">= 3\"", "at least 3"),
        ("[\">= 3\", \"< 9\"]", "at least 3 and less than 9"),
        ("{ matches = \"^a\" }", "something that matches `^a`"),
        ("{ replied = \"PUBLISH b\" }", "what `PUBLISH b` was answered"),
        ("'''1) \"a\"\n   2) b'''", "1) \"a\"  2) b"),
    ] {
        assert_eq!(expected(value).to_string(), words);
    }
}
