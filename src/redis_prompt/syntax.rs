//! The arguments of a command: as COMMAND DOCS describes them, in their written form, and what is
//! left of them after some were typed.

/// A part of a command's arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Syntax {
    /// A placeholder for any word: `key`.
    Word(String),
    /// A literal word: `EX`.
    Token(String),
    Sequence(Vec<Syntax>),
    OneOf(Vec<Syntax>),
    Optional(Box<Syntax>),
    /// Once or more often.
    Repeated(Box<Syntax>),
    /// Any number of times; only as what is left of [`Syntax::Repeated`].
    Again(Box<Syntax>),
}

impl Syntax {
    /// Several parts as one; a single part stays as it is.
    pub(super) fn all(mut parts: Vec<Self>) -> Self {
        if parts.len() == 1 { parts.remove(0) } else { Self::Sequence(parts) }
    }

    pub(super) fn nothing() -> Self {
        Self::Sequence(Vec::new())
    }

    /// As the Redis documentation writes it: `key [key ...] [EX seconds|KEEPTTL]`.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Word(text) | Self::Token(text) => text.clone(),
            Self::Sequence(parts) => {
                let texts = parts.iter().map(Self::text).filter(|text| !text.is_empty());
                texts.collect::<Vec<_>>().join(" ")
            }
            Self::OneOf(choices) => format!("<{}>", joined(choices)),
            Self::Optional(part) => match part.as_ref() {
                Self::OneOf(choices) => format!("[{}]", joined(choices)),
                part => format!("[{}]", part.text()),
            },
            Self::Repeated(part) => format!("{0} [{0} ...]", part.text()),
            Self::Again(part) => format!("[{} ...]", part.text()),
        }
    }

    /// The tokens that may come first here.
    pub(super) fn first_tokens(&self) -> Vec<&str> {
        let mut tokens = Vec::new();
        self.collect_first_tokens(&mut tokens);
        tokens
    }

    /// Returns whether a word is required here, so that nothing after it can come first.
    fn collect_first_tokens<'a>(&'a self, tokens: &mut Vec<&'a str>) -> bool {
        match self {
            Self::Word(_) => true,
            Self::Token(token) => {
                tokens.push(token);
                true
            }
            Self::Sequence(parts) => parts.iter().any(|part| part.collect_first_tokens(tokens)),
            Self::OneOf(choices) => {
                for choice in choices {
                    choice.collect_first_tokens(tokens);
                }
                true
            }
            Self::Repeated(part) => part.collect_first_tokens(tokens),
            Self::Optional(part) | Self::Again(part) => {
                part.collect_first_tokens(tokens);
                false
            }
        }
    }

    /// The tokens that may come next after these words.
    pub(super) fn tokens_after(&self, words: &[&str]) -> Vec<String> {
        let left = self.after(words);
        left.iter().flat_map(Self::first_tokens).map(str::to_owned).collect()
    }

    /// What may still come after these words; `None` if they do not fit.
    pub(super) fn after(&self, words: &[&str]) -> Option<Self> {
        match self.step(words) {
            SyntaxStep::Left(left) => Some(left),
            SyntaxStep::Done(count) if count == words.len() => Some(Self::nothing()),
            SyntaxStep::Done(_) | SyntaxStep::No => None,
        }
    }

    fn step(&self, words: &[&str]) -> SyntaxStep {
        let Some(first) = words.first() else { return SyntaxStep::Left(self.clone()) };
        match self {
            Self::Word(_) => SyntaxStep::Done(1),
            Self::Token(token) if token.eq_ignore_ascii_case(first) => SyntaxStep::Done(1),
            Self::Token(_) => SyntaxStep::No,
            Self::Sequence(parts) => sequence(parts, words),
            Self::OneOf(choices) => one_of(choices, words).map_or(SyntaxStep::No, |(_, step)| step),
            Self::Optional(part) => match part.step(words) {
                SyntaxStep::No => SyntaxStep::Done(0),
                step => step,
            },
            Self::Repeated(part) => repeated(part, words),
            Self::Again(part) => match repeated(part, words) {
                SyntaxStep::No => SyntaxStep::Done(0),
                step => step,
            },
        }
    }
}

/// How words match a part.
enum SyntaxStep {
    /// They do not fit.
    No,
    /// This many of them complete the part.
    Done(usize),
    /// All of them fit, and this is left of the part.
    Left(Syntax),
}

fn joined(choices: &[Syntax]) -> String {
    choices.iter().map(Syntax::text).collect::<Vec<_>>().join("|")
}

/// The index of the first choice that fits. Choices that begin with a token are tried before
/// placeholders, which fit any word.
fn one_of(choices: &[Syntax], words: &[&str]) -> Option<(usize, SyntaxStep)> {
    let mut indexes: Vec<usize> = (0..choices.len()).collect();
    indexes.sort_by_key(|&index| choices[index].first_tokens().is_empty());
    indexes.into_iter().find_map(|index| match choices[index].step(words) {
        SyntaxStep::No | SyntaxStep::Done(0) => None,
        step => Some((index, step)),
    })
}

/// Options that follow one another may be typed in any order.
fn sequence(parts: &[Syntax], words: &[&str]) -> SyntaxStep {
    let mut parts = parts.to_vec();
    let mut used = 0;
    while used < words.len() && !parts.is_empty() {
        let Some((index, step)) = next_part(&parts, &words[used..]) else {
            // The words match none of these options.
            let options = leading_options(&parts);
            parts.drain(..options);
            continue;
        };
        parts.remove(index);
        match step {
            SyntaxStep::No => return SyntaxStep::No,
            SyntaxStep::Done(count) => used += count,
            SyntaxStep::Left(left) => {
                parts.insert(0, left);
                return SyntaxStep::Left(Syntax::Sequence(parts));
            }
        }
    }
    if parts.is_empty() {
        SyntaxStep::Done(used)
    } else {
        SyntaxStep::Left(Syntax::Sequence(parts))
    }
}

/// The index of the part that these words begin with, and how they match it. `None` if the next
/// parts are options and none of them fits.
fn next_part(parts: &[Syntax], words: &[&str]) -> Option<(usize, SyntaxStep)> {
    let options = leading_options(parts);
    if options > 0 {
        return one_of(&parts[..options], words);
    }
    let end = end_of_repetition(parts, words);
    let step = match parts[0].step(&words[..end]) {
        // A token after these words ends the repetition, so it is complete.
        SyntaxStep::Left(_) if end < words.len() => SyntaxStep::Done(end),
        step => step,
    };
    Some((0, step))
}

fn leading_options(parts: &[Syntax]) -> usize {
    parts.iter().take_while(|part| is_option(part)).count()
}

fn is_option(part: &Syntax) -> bool {
    matches!(part, Syntax::Optional(_) | Syntax::Again(_))
}

/// How many words belong to a repetition: in `ZUNION 2 a b WEIGHTS`, a token that may follow the
/// repeated words ends them.
fn end_of_repetition(parts: &[Syntax], words: &[&str]) -> usize {
    if !matches!(parts[0], Syntax::Repeated(_)) {
        return words.len();
    }
    let rest = Syntax::Sequence(parts[1..].to_vec());
    let tokens = rest.first_tokens();
    for (index, word) in words.iter().enumerate().skip(1) {
        if tokens.iter().any(|token| token.eq_ignore_ascii_case(word)) {
            return index;
        }
    }
    words.len()
}

fn repeated(part: &Syntax, words: &[&str]) -> SyntaxStep {
    let mut used = 0;
    while used < words.len() {
        match part.step(&words[used..]) {
            SyntaxStep::No | SyntaxStep::Done(0) if used == 0 => return SyntaxStep::No,
            SyntaxStep::No | SyntaxStep::Done(0) => return SyntaxStep::Done(used),
            SyntaxStep::Done(count) => used += count,
            SyntaxStep::Left(left) => {
                let again = Syntax::Again(Box::new(part.clone()));
                return SyntaxStep::Left(Syntax::Sequence(vec![left, again]));
            }
        }
    }
    SyntaxStep::Left(Syntax::Again(Box::new(part.clone())))
}

#[cfg(test)]
mod tests {
    use super::super::notation::parse;

    const SET: &str = "key value [NX|XX] [GET] [EX seconds|PX milliseconds|KEEPTTL]";

    /// What is left of `syntax` after `typed`.
    fn left(syntax: &str, typed: &str) -> Option<String> {
        let words: Vec<&str> = typed.split_whitespace().collect();
        parse(syntax).unwrap().after(&words).map(|left| left.text())
    }

    #[test]
    fn what_was_typed_is_left_out() {
        assert_eq!(left(SET, "").unwrap(), SET);
        assert_eq!(left(SET, "k").unwrap(), &SET[4..]);
        assert_eq!(left(SET, "k v").unwrap(), "[NX|XX] [GET] [EX seconds|PX milliseconds|KEEPTTL]");
        assert_eq!(left(SET, "k v ex").unwrap(), "seconds [NX|XX] [GET]");
        assert_eq!(left(SET, "k v ex 10").unwrap(), "[NX|XX] [GET]");
        assert_eq!(left(SET, "k v ex 10 get nx").unwrap(), "");
    }

    #[test]
    fn what_does_not_fit_leaves_nothing() {
        assert_eq!(left(SET, "k v EX 1 PX"), None);
        assert_eq!(left("", "word"), None);
    }

    #[test]
    fn repeated_words_go_on_until_a_token_that_may_follow() {
        let union = "numkeys key [key ...] [WEIGHTS weight [weight ...]] [WITHSCORES]";
        assert_eq!(
            left(union, "2 a").unwrap(),
            "[key ...] [WEIGHTS weight [weight ...]] [WITHSCORES]"
        );
        assert_eq!(left(union, "2 a b weights 1").unwrap(), "[weight ...] [WITHSCORES]");
        assert_eq!(left(union, "2 a b withscores").unwrap(), "[WEIGHTS weight [weight ...]]");
        assert_eq!(left("key [key ...] timeout", "a b 0").unwrap(), "[key ...] timeout");
    }

    #[test]
    fn half_a_pair_wants_its_other_half() {
        let zadd = "key [NX|XX] score member [score member ...]";
        assert_eq!(left(zadd, "z nx 1").unwrap(), "member [score member ...]");
        assert_eq!(left(zadd, "z 1 a").unwrap(), "[score member ...]");
    }

    #[test]
    fn words_that_may_come_next_are_known() {
        let set = parse(SET).unwrap();
        assert_eq!(set.tokens_after(&["k", "v"]).join(" "), "NX XX GET EX PX KEEPTTL");
        assert_eq!(set.tokens_after(&["k", "v", "XX"]).join(" "), "GET EX PX KEEPTTL");
        assert_eq!(set.tokens_after(&["k"]).join(" "), "");
    }
}
