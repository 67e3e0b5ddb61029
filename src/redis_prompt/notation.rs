//! Parses the written form of arguments: `key value [NX|XX] [EX seconds|KEEPTTL]`.
//!
//! Words in upper case are tokens; `[…]` is optional, one of `<…|…>` is required, `key [key ...]`
//! repeats.

use super::syntax::Syntax;

/// Parses what [`Syntax::text`] writes. `None` if brackets do not match.
pub(super) fn parse(text: &str) -> Option<Syntax> {
    let mut spaced = text.to_owned();
    for sign in ["[", "]", "<", ">", "|"] {
        spaced = spaced.replace(sign, &format!(" {sign} "));
    }
    let signs: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = signs.as_slice();
    let parts = parse_sequence(&mut rest)?;
    rest.is_empty().then(|| Syntax::all(parts))
}

fn parse_sequence(rest: &mut &[&str]) -> Option<Vec<Syntax>> {
    let mut parts = Vec::new();
    while let Some((&sign, after)) = rest.split_first() {
        match sign {
            "]" | ">" | "|" | "..." => break,
            "[" | "<" => {
                *rest = after;
                let choices = parse_choices(rest)?;
                match (sign, rest.split_first()?) {
                    ("[", (&"...", after)) => {
                        *rest = after.strip_prefix(&["]"])?;
                        repeat_last(&mut parts, choices)?;
                    }
                    ("[", (&"]", after)) => {
                        *rest = after;
                        parts.push(Syntax::Optional(Box::new(choices)));
                    }
                    ("<", (&">", after)) => {
                        *rest = after;
                        parts.push(choices);
                    }
                    _ => return None,
                }
            }
            word => {
                *rest = after;
                let is_token = !word.chars().any(char::is_lowercase);
                let part = if is_token { Syntax::Token } else { Syntax::Word };
                parts.push(part(word.to_owned()));
            }
        }
    }
    Some(parts)
}

fn parse_choices(rest: &mut &[&str]) -> Option<Syntax> {
    let mut choices = vec![Syntax::all(parse_sequence(rest)?)];
    while let Some((&"|", after)) = rest.split_first() {
        *rest = after;
        choices.push(Syntax::all(parse_sequence(rest)?));
    }
    Some(if choices.len() == 1 { choices.remove(0) } else { Syntax::OneOf(choices) })
}

/// `field value [field value ...]`: the part in brackets must also precede them once.
fn repeat_last(parts: &mut Vec<Syntax>, again: Syntax) -> Option<()> {
    let count = match &again {
        Syntax::Sequence(parts) => parts.len(),
        _ => 1,
    };
    let once = Syntax::all(parts.split_off(parts.len().checked_sub(count)?));
    (once == again).then(|| parts.push(Syntax::Repeated(Box::new(again))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_form_is_parsed() {
        for text in [
            "",
            "key",
            "key value [NX|XX] [GET] [EX seconds|PX milliseconds|KEEPTTL]",
            "key score member [score member ...]",
            "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM|MIN|MAX>]",
            "key [BY pattern] [GET pattern [GET pattern ...]]",
            "<LEFT|RIGHT> [ID id [id ...]]",
        ] {
            assert_eq!(parse(text).unwrap().text(), text);
        }
    }

    #[test]
    fn unmatched_brackets_are_refused() {
        for text in ["[a", "a]", "<a]", "a [b ...]", "[a ...", "|a"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
