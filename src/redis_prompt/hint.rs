//! The hint to the right of the cursor: the arguments that are still to come.

use super::docs::CommandDocs;
use super::syntax::Syntax;
use super::typing::Typing;

/// The rest of the syntax after `text`, with a leading space if one must be typed. `None` for an
/// unknown command and for one that is complete.
pub(super) fn hint(docs: &CommandDocs, text: &str) -> Option<String> {
    let typing = Typing::of(text);
    let rest = rest(docs, &typing)?.text();
    if rest.is_empty() {
        return None;
    }
    let goes_on = !typing.current.is_empty() || typing.is_quoted;
    Some(if goes_on { format!(" {rest}") } else { rest })
}

fn rest(docs: &CommandDocs, typing: &Typing) -> Option<Syntax> {
    let words = typing.all();
    let (count, doc) = docs.find(&words)?;
    let arguments = &words[count..];
    if arguments.is_empty() {
        let subcommands = if count == 1 { docs.subcommands(words[0]) } else { Vec::new() };
        if subcommands.len() > 1 {
            let tokens = subcommands.into_iter().map(|name| Syntax::Token(name.to_owned()));
            return Some(Syntax::OneOf(tokens.collect()));
        }
    }
    // An unfinished word may fit once it is complete.
    let is_begun = !typing.current.is_empty() && !typing.is_quoted;
    let without = arguments.split_last().filter(|_| is_begun).map(|(_, before)| before);
    doc.syntax.after(arguments).or_else(|| doc.syntax.after(without?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        hint(CommandDocs::table(), text).unwrap_or_default()
    }

    #[test]
    fn the_arguments_to_come_are_shown() {
        assert_eq!(shown("BGSAVE"), " [SCHEDULE]");
        assert_eq!(shown("get "), "key");
        assert_eq!(shown("3 get "), "key");
        assert_eq!(shown("config get"), " parameter");
        assert_eq!(shown("xinfo "), "<CONSUMERS|GROUPS|HELP|STREAM>");
    }

    #[test]
    fn they_shrink_while_arguments_are_typed() {
        assert_eq!(shown("LPUSH k"), " element [element ...]");
        assert_eq!(shown("LPUSH k \"a b"), " [element ...]");
        assert_eq!(shown("SETEX k 10 "), "value");
        assert_eq!(shown("EXPIRE k 10"), "");
        assert_eq!(shown("BGSAVE SCHED"), " [SCHEDULE]");
    }

    #[test]
    fn nothing_is_shown_where_nothing_is_known() {
        for text in ["", "  ", "se", "nosuch ", "GET k too many", "@wait"] {
            assert_eq!(shown(text), "", "{text}");
        }
    }
}
