//! What may stand behind a command's name: as COMMAND DOCS tells it, as it is written down, and as it is left
//! over once some of it was typed.

/// A part of a command's arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Syntax {
    /// A place for a word: `key`.
    Word(String),
    /// The word itself: `EX`.
    Token(String),
    /// One behind the other.
    Sequence(Vec<Syntax>),
    /// One of these.
    OneOf(Vec<Syntax>),
    /// This or nothing.
    Optional(Box<Syntax>),
    /// This, once or more often.
    Repeated(Box<Syntax>),
    /// This again, any number of times; never written, but left over of [`Syntax::Repeated`].
    Again(Box<Syntax>),
}

impl Syntax {
    /// Several parts as one; a single one is itself.
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

    /// The words that may stand here first, if it is not a place for any word.
    pub(super) fn first_tokens(&self) -> Vec<&str> {
        let mut tokens = Vec::new();
        self.collect_first_tokens(&mut tokens);
        tokens
    }

    /// Gives whether something must stand here, so that nothing behind can be first.
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

    /// The words that may come next once these were typed.
    pub(super) fn tokens_after(&self, words: &[&str]) -> Vec<String> {
        let left = self.after(words);
        left.iter().flat_map(Self::first_tokens).map(str::to_owned).collect()
    }

    /// What may still come once these words were typed; `None` where they don't fit.
    pub(super) fn after(&self, words: &[&str]) -> Option<Self> {
        match self.step(words) {
            Step::Left(left) => Some(left),
            Step::Done(count) if count == words.len() => Some(Self::nothing()),
            Step::Done(_) | Step::No => None,
        }
    }

    fn step(&self, words: &[&str]) -> Step {
        let Some(first) = words.first() else { return Step::Left(self.clone()) };
        match self {
            Self::Word(_) => Step::Done(1),
            Self::Token(token) if token.eq_ignore_ascii_case(first) => Step::Done(1),
            Self::Token(_) => Step::No,
            Self::Sequence(parts) => sequence(parts, words),
            Self::OneOf(choices) => one_of(choices, words).map_or(Step::No, |(_, step)| step),
            Self::Optional(part) => match part.step(words) {
                Step::No => Step::Done(0),
                step => step,
            },
            Self::Repeated(part) => repeated(part, words),
            Self::Again(part) => match repeated(part, words) {
                Step::No => Step::Done(0),
                step => step,
            },
        }
    }
}

/// How far words lead into a part.
enum Step {
    /// They don't fit.
    No,
    /// So many of them make it complete.
    Done(usize),
    /// All of them fit, and this is left.
    Left(Syntax),
}

fn joined(choices: &[Syntax]) -> String {
    choices.iter().map(Syntax::text).collect::<Vec<_>>().join("|")
}

/// The first choice that fits, by its place: words that stand for themselves before places for any word.
fn one_of(choices: &[Syntax], words: &[&str]) -> Option<(usize, Step)> {
    let begins_with_a_token = |choice: &Syntax| !choice.first_tokens().is_empty();
    let mut places: Vec<usize> = (0..choices.len()).collect();
    places.sort_by_key(|&place| !begins_with_a_token(&choices[place]));
    places.into_iter().find_map(|place| match choices[place].step(words) {
        Step::No | Step::Done(0) => None,
        step => Some((place, step)),
    })
}

/// Options that follow one another may be typed in any order.
fn sequence(parts: &[Syntax], words: &[&str]) -> Step {
    let mut parts = parts.to_vec();
    let mut used = 0;
    while used < words.len() && !parts.is_empty() {
        let Some((place, step)) = next_part(&parts, &words[used..]) else {
            // None of these options was meant.
            let options = leading_options(&parts);
            parts.drain(..options);
            continue;
        };
        parts.remove(place);
        match step {
            Step::No => return Step::No,
            Step::Done(count) => used += count,
            Step::Left(left) => {
                parts.insert(0, left);
                return Step::Left(Syntax::Sequence(parts));
            }
        }
    }
    if parts.is_empty() { Step::Done(used) } else { Step::Left(Syntax::Sequence(parts)) }
}

/// The part that these words begin with, and how far they lead into it; nothing where only options could stand
/// and none fits.
fn next_part(parts: &[Syntax], words: &[&str]) -> Option<(usize, Step)> {
    let options = leading_options(parts);
    if options > 0 {
        return one_of(&parts[..options], words);
    }
    let end = end_of_repetition(parts, words);
    let step = match parts[0].step(&words[..end]) {
        // The words end here for a reason: no more of them are to come.
        Step::Left(_) if end < words.len() => Step::Done(end),
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

/// `ZUNION 2 a b WEIGHTS`: a word that may come behind the repeated ones ends them.
fn end_of_repetition(parts: &[Syntax], words: &[&str]) -> usize {
    if !matches!(parts[0], Syntax::Repeated(_)) {
        return words.len();
    }
    let behind = Syntax::Sequence(parts[1..].to_vec());
    let tokens = behind.first_tokens();
    let ends = |word: &&str| tokens.iter().any(|token| token.eq_ignore_ascii_case(word));
    words.iter().skip(1).position(ends).map_or(words.len(), |place| place + 1)
}

fn repeated(part: &Syntax, words: &[&str]) -> Step {
    let mut used = 0;
    while used < words.len() {
        match part.step(&words[used..]) {
            Step::No | Step::Done(0) if used == 0 => return Step::No,
            Step::No | Step::Done(0) => return Step::Done(used),
            Step::Done(count) => used += count,
            Step::Left(left) => {
                let again = Syntax::Again(Box::new(part.clone()));
                return Step::Left(Syntax::Sequence(vec![left, again]));
            }
        }
    }
    Step::Left(Syntax::Again(Box::new(part.clone())))
}

#[cfg(test)]
mod tests {
    use super::super::notation::parse;

    const SET: &str = "key value [NX|XX] [GET] [EX seconds|PX milliseconds|KEEPTTL]";

    /// What is left of `syntax` behind `typed`.
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
    fn repeated_words_go_on_until_a_word_that_comes_behind() {
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
        let next = |typed: &[&str]| {
            let left = parse(SET).unwrap().after(typed).unwrap();
            left.first_tokens().join(" ")
        };
        assert_eq!(next(&["k", "v"]), "NX XX GET EX PX KEEPTTL");
        assert_eq!(next(&["k", "v", "XX"]), "GET EX PX KEEPTTL");
        assert_eq!(next(&["k"]), "");
    }
}
