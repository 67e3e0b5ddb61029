//! Info strings: the words after an opening fence.

use super::super::problem::{Problems, did_you_mean, nearest};
use super::super::{Language, Span};
use super::info::{self, FenceWord, Meant, is_attribute, names};
use super::slip::{Scope, Slip};

const EXERCISE: &str = "exercise";
const CONTINUED: &str = "continued";
const NORUN: &str = "norun";
const FAILS: &str = "fails=";
const WORLD: &str = "world=";
const WORDS: &str = "`norun`, `continued`, `setup`, `starter`, `solution`, `wrong`, `fails=CHECK`, \
                     `world=NAME`";
/// Languages of blocks that hold no program.
const TEXT: [&str; 4] = ["text", "txt", "plain", "plaintext"];

/// The role of a block in a language.
type RoleIn = fn(Language) -> Role;

/// The words that give a `python` or `redis` block its role.
const ROLES: [(&str, RoleIn); 5] = [
    (NORUN, |_| Role::Shown),
    ("setup", |_| Role::Setup),
    ("starter", Role::Starter),
    ("solution", Role::Solution),
    ("wrong", Role::Wrong),
];

/// The role of a fenced block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Shown, but not run.
    Shown,
    Example(Language),
    Exercise,
    Setup,
    Starter(Language),
    Solution(Language),
    Wrong(Language),
}

impl Role {
    /// Whether it makes sense only with a `toml exercise`.
    pub(super) fn needs_exercise(self) -> bool {
        matches!(self, Self::Setup | Self::Starter(_) | Self::Solution(_) | Self::Wrong(_))
    }
}

/// A parsed info string.
#[derive(Debug)]
pub(super) struct Fence {
    pub(super) role: Role,
    /// The word that gives the role, else the language, else the empty info string.
    pub(super) place: Span,
    /// The id after `fails=`.
    pub(super) fails: Option<FenceWord>,
    /// The name after `world=`.
    pub(super) world: Option<FenceWord>,
    /// `continued`: it goes on from the example above.
    pub(super) continued: Option<Span>,
    /// Nobody has said that it is only text: its content may show commands for Redis.
    pub(super) may_be_code: bool,
    pub(super) slips: Vec<Slip>,
}

/// Reads the info string at `span`.
pub(super) fn read(source: &str, span: Span, problems: &mut Problems) -> Fence {
    let words = info::words(&source[span.clone()], span.start);
    let mut fence = Fence {
        role: Role::Shown,
        place: span,
        fails: None,
        world: None,
        continued: None,
        may_be_code: false,
        slips: Vec::new(),
    };
    let Some((first, rest)) = words.split_first() else {
        fence.may_be_code = true;
        return fence;
    };
    fence.place = first.span.clone();
    match first.text.to_ascii_lowercase().as_str() {
        "python" | "py" => fence.read_code(Language::Python, rest, problems),
        "redis" => fence.read_code(Language::Redis, rest, problems),
        "toml" => fence.read_toml(rest, problems),
        _ => fence.read_other(&words, problems),
    }
    fence
}

/// Whether an info string would give a block a role.
pub(super) fn names_a_role(info: &str) -> bool {
    let mut words = info.split_whitespace();
    match (words.next(), words.next()) {
        (first, Some(EXERCISE)) => first == Some("toml"),
        (_, Some(word)) => role_named(word).is_some(),
        _ => false,
    }
}

/// Whether a word behind another language would give a block a role that is not shown.
fn is_a_role(word: &str) -> bool {
    word != NORUN && (role_named(word).is_some() || word == FAILS.trim_end_matches('='))
}

/// Whether a line of a file begins an exercise, perhaps where markdown does not see it.
pub(super) fn begins_an_exercise(line: &str) -> bool {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || c == '>');
    let info = line.trim_start_matches(['`', '~']);
    line.len() - info.len() >= 3 && info.split_whitespace().eq(["toml", EXERCISE])
}

fn role_named(word: &str) -> Option<RoleIn> {
    ROLES.into_iter().find(|(name, _)| *name == word).map(|(_, role)| role)
}

impl Fence {
    /// Blocks in other languages are only shown. Reports one with a role, and another word for a
    /// language that is run.
    fn read_other(&mut self, words: &[FenceWord], problems: &mut Problems) {
        let Some((first, rest)) = words.split_first() else { return };
        let meant = info::meant(words);
        // A language and more may be one word, as in `redis,solution` and `{.redis .solution}`.
        let joined = first.text.split(|c: char| !c.is_alphanumeric() && c != '-');
        let joined = joined.filter(|piece| !piece.is_empty()).skip(1);
        let mut more = joined.chain(rest.iter().flat_map(|word| names(&word.text)));
        let is_shown = more.clone().any(|word| word == NORUN) || TEXT.contains(&&*first.text);
        if more.any(is_a_role) {
            self.refuse_role(first, meant, problems);
        } else if is_shown {
            self.may_be_code = false;
        } else if let Some(meant) = meant {
            let message = format!("the block `{}` is taken for text and not run", first.text);
            let help = match meant {
                Meant::Language(language) => {
                    format!("write `{language}`, or `{language} norun` if that is meant")
                }
                Meant::Session(language) => {
                    format!("write a `{language}` block, or add `norun` if it is only to be shown")
                }
            };
            problems.warning(first.span.clone(), message, Some(help));
        } else {
            self.may_be_code = true;
        }
    }

    /// A block with a role in a language that is not run would show a solution.
    fn refuse_role(&mut self, first: &FenceWord, meant: Option<Meant>, problems: &mut Problems) {
        let name = first.text.as_str();
        let slip = did_you_mean(name, ["python", "redis"]).filter(|_| names(name) == [name]);
        let help = match meant {
            _ if slip.is_some() => slip.unwrap_or_default(),
            Some(Meant::Language(language) | Meant::Session(language)) => {
                format!("write `{language}`, and then the other words after spaces")
            }
            None => "only `python` and `redis` blocks have a role".to_owned(),
        };
        let message = format!("unknown language `{name}`");
        // Site generators give blocks names: `{r setup}`.
        if name.starts_with('{') || !(meant.is_some() || TEXT.contains(&name)) {
            self.slips.push(Slip::new(Scope::Lesson, first.span.clone(), message, &help));
        } else {
            problems.error(first.span.clone(), message, Some(help));
        }
    }

    fn read_toml(&mut self, rest: &[FenceWord], problems: &mut Problems) {
        let Some((FenceWord { text, span }, more)) = rest.split_first() else { return };
        if text == EXERCISE {
            (self.role, self.place) = (Role::Exercise, span.clone());
            if let Some(word) = more.first() {
                let message = format!("unexpected word `{}` after `toml exercise`", word.text);
                problems.error(word.span.clone(), message, None);
            }
        } else if let Some(help) = did_you_mean(text, [EXERCISE]) {
            problems.error(span.clone(), format!("unknown word `{text}`"), Some(help));
        }
    }

    fn read_code(&mut self, language: Language, rest: &[FenceWord], problems: &mut Problems) {
        self.role = Role::Example(language);
        let mut earlier: Option<&str> = None;
        for word in rest {
            let FenceWord { text, span } = word;
            if let Some(check) = text.strip_prefix(FAILS) {
                if self.fails.is_some() {
                    let help = Some("name one check".to_owned());
                    problems.error(span.clone(), "a second `fails=`", help);
                } else {
                    self.fails = Some(failing_check(word, check, problems));
                }
                continue;
            }
            if let Some(name) = text.strip_prefix(WORLD) {
                let span = span.start + WORLD.len()..span.end;
                self.world = Some(FenceWord { text: name.to_owned(), span });
                continue;
            }
            if text == CONTINUED {
                self.continued = Some(span.clone());
                continue;
            }
            match (role_named(text), earlier) {
                (None, _) => self.read_attribute(word, problems),
                (Some(role), None) => {
                    (self.role, self.place) = (role(language), span.clone());
                    earlier = Some(text);
                }
                (Some(_), Some(earlier)) => {
                    let message = if earlier == text {
                        format!("`{text}` appears twice")
                    } else {
                        format!("a block cannot be `{earlier}` and `{text}`")
                    };
                    problems.error(span.clone(), message, None);
                }
            }
        }
        if self.role == Role::Setup && language != Language::Redis {
            let help = Some("write the setup as commands, in a `redis setup` block".to_owned());
            problems.error(self.place.clone(), "`setup` is for `redis` blocks", help);
        }
        if let Some(world) = self.world.take_if(|_| self.role != Role::Setup) {
            let help = Some("only a `setup` belongs to a world".to_owned());
            let start = world.span.start - WORLD.len();
            problems.error(start..world.span.end, "`world=` has no effect here", help);
        }
        if let Some(span) = self.continued.take_if(|_| !matches!(self.role, Role::Example(_))) {
            let help = Some("only an example goes on from the one above".to_owned());
            problems.error(span, "`continued` has no effect here", help);
        }
        self.check_fails(problems);
    }

    /// A word of a site generator, or one that is misspelt.
    fn read_attribute(&mut self, word: &FenceWord, problems: &mut Problems) {
        let text = word.text.as_str();
        let slip = slip_of(text);
        let (message, help) = unknown_word(text, slip);
        if (slip.is_some() && !is_bracketed(text)) || text == EXERCISE {
            problems.error(word.span.clone(), message, Some(help));
        } else if slip.is_some() || !is_attribute(text) {
            self.slips.push(Slip::new(Scope::Section, word.span.clone(), message, &help));
        }
    }

    fn check_fails(&mut self, problems: &mut Problems) {
        let must_fail = matches!(self.role, Role::Starter(_) | Role::Wrong(_));
        match &self.fails {
            Some(word) if !must_fail => {
                let help = Some("only a `starter` or a `wrong` answer fails a check".to_owned());
                let start = word.span.start - FAILS.len();
                problems.error(start..word.span.end, "`fails=` has no effect here", help);
            }
            None if must_fail => {
                let help = Some("name the check that it must fail: `fails=CHECK`".to_owned());
                problems.error(self.place.clone(), "`fails=` is missing", help);
            }
            _ => {}
        }
        self.fails.take_if(|word| word.text.is_empty());
    }
}

/// The id after `fails=`.
fn failing_check(word: &FenceWord, check: &str, problems: &mut Problems) -> FenceWord {
    if check.is_empty() {
        let help = Some("write `fails=` and the id of a check, without spaces".to_owned());
        problems.error(word.span.clone(), "`fails=` names no check", help);
    }
    let start = word.span.start + FAILS.len();
    FenceWord { text: check.to_owned(), span: start..word.span.end }
}

fn unknown_word(text: &str, slip: Option<&str>) -> (String, String) {
    if text == EXERCISE {
        let help = "checks go in a block that begins with `toml exercise`".to_owned();
        return (format!("`{text}` belongs after `toml`"), help);
    }
    let help = match slip {
        Some("fails") => "did you mean `fails=CHECK`?".to_owned(),
        Some("world") => "did you mean `world=NAME`?".to_owned(),
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("known words: {WORDS}"),
    };
    (format!("unknown word `{text}`"), help)
}

/// The word that this one misspells, or that it is in another dress.
fn slip_of(text: &str) -> Option<&'static str> {
    let words = || ROLES.map(|(role, _)| role).into_iter().chain([CONTINUED]);
    let keys = ["fails", "world"];
    let names = names(text);
    let exact = words().chain(keys).find(|word| names.contains(word));
    exact.or_else(|| match names.first() {
        _ if is_bracketed(text) => None,
        // `start=5` is for a site generator.
        Some(name) if text.contains('=') => nearest(name, keys),
        Some(name) => nearest(name, words().chain(keys)),
        None => None,
    })
}

fn is_bracketed(text: &str) -> bool {
    text.starts_with(['{', '[', '(', '"', '\''])
}
