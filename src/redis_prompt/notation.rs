//! Arguments as they are written, read: `key value [NX|XX] [EX seconds|KEEPTTL]`. Words in upper case stand for
//! themselves; `[…]` may be left out, one of `<…|…>` must be there, and `key [key ...]` may go on.

use super::syntax::Syntax;

/// Reads what [`Syntax::text`] writes; `None` where brackets don't match.
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
    while let Some((&sign, behind)) = rest.split_first() {
        match sign {
            "]" | ">" | "|" | "..." => break,
            "[" | "<" => {
                *rest = behind;
                let choices = parse_choices(rest)?;
                match (sign, rest.split_first()?) {
                    ("[", (&"...", behind)) => {
                        *rest = behind.strip_prefix(&["]"])?;
                        repeat_last(&mut parts, choices)?;
                    }
                    ("[", (&"]", behind)) => {
                        *rest = behind;
                        parts.push(Syntax::Optional(Box::new(choices)));
                    }
                    ("<", (&">", behind)) => {
                        *rest = behind;
                        parts.push(choices);
                    }
                    _ => return None,
                }
            }
            word => {
                *rest = behind;
                let stands_for_itself = !word.chars().any(char::is_lowercase);
                let part = if stands_for_itself { Syntax::Token } else { Syntax::Word };
                parts.push(part(word.to_owned()));
            }
        }
    }
    Some(parts)
}

fn parse_choices(rest: &mut &[&str]) -> Option<Syntax> {
    let mut choices = vec![Syntax::all(parse_sequence(rest)?)];
    while let Some((&"|", behind)) = rest.split_first() {
        *rest = behind;
        choices.push(Syntax::all(parse_sequence(rest)?));
    }
    Some(if choices.len() == 1 { choices.remove(0) } else { Syntax::OneOf(choices) })
}

/// `field value [field value ...]`: what stands in the brackets stands before them once.
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
    fn what_is_written_is_read() {
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
    fn what_does_not_match_is_not_read() {
        for text in ["[a", "a]", "<a]", "a [b ...]", "[a ...", "|a"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
