//! Info strings: the words after an opening fence.

use super::super::problem::{Problems, did_you_mean, nearest};
use super::super::{Language, Span};

const EXERCISE: &str = "exercise";
const FAILS: &str = "fails=";
const WORLD: &str = "world=";
const WORDS: &str = "`norun`, `setup`, `starter`, `solution`, `wrong`, `fails=CHECK`, `world=NAME`";

/// The role of a block in a language.
type RoleIn = fn(Language) -> Role;

/// The words that give a `python` or `redis` block its role.
const ROLES: [(&str, RoleIn); 5] = [
    ("norun", |_| Role::Shown),
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

/// A word and its span in the file.
#[derive(Debug, Clone)]
pub(super) struct FenceWord {
    pub(super) text: String,
    pub(super) span: Span,
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
}

/// Reads the info string at `span`.
pub(super) fn read(source: &str, span: Span, problems: &mut Problems) -> Fence {
    let words = words(&source[span.clone()], span.start);
    let mut fence = Fence { role: Role::Shown, place: span, fails: None, world: None };
    let Some((first, rest)) = words.split_first() else { return fence };
    fence.place = first.span.clone();
    match first.text.to_ascii_lowercase().as_str() {
        "python" | "py" => fence.read_code(Language::Python, rest, problems),
        "redis" => fence.read_code(Language::Redis, rest, problems),
        "toml" => fence.read_toml(rest, problems),
        _ => check_language(first, rest, problems),
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

fn role_named(word: &str) -> Option<RoleIn> {
    ROLES.into_iter().find(|(name, _)| *name == word).map(|(_, role)| role)
}

fn words(info: &str, start: usize) -> Vec<FenceWord> {
    let mut words = Vec::new();
    let mut at = start;
    for piece in info.split_inclusive(char::is_whitespace) {
        let text = piece.trim_end();
        if !text.is_empty() {
            words.push(FenceWord { text: text.to_owned(), span: at..at + text.len() });
        }
        at += piece.len();
    }
    words
}

/// Blocks in other languages are only shown. Reports one with a role, and another word for a
/// language that is run.
fn check_language(first: &FenceWord, rest: &[FenceWord], problems: &mut Problems) {
    let pieces: Vec<&str> =
        first.text.split([',', '{', '}', '.', '=']).filter(|piece| !piece.is_empty()).collect();
    let words = pieces.iter().skip(1).copied().chain(rest.iter().map(|word| word.text.as_str()));
    let has_role = |word: &str| {
        word != "norun"
            && (role_named(word).is_some() || word == "fails" || word.starts_with(FAILS))
    };
    let name = pieces.first().copied().unwrap_or_default();
    let meant = meant_language(name);
    if words.into_iter().any(has_role) {
        let is_alone = pieces.len() == 1 && name == first.text;
        let slip = did_you_mean(name, ["python", "redis"]).filter(|_| is_alone);
        let help = match meant {
            _ if slip.is_some() => slip.unwrap_or_default(),
            Some(language) => format!("write `{language}`, and then the other words after spaces"),
            None => "only `python` and `redis` blocks have a role".to_owned(),
        };
        let message = format!("unknown language `{}`", first.text);
        problems.error(first.span.clone(), message, Some(help));
    } else if let Some(language) = meant {
        let message = format!("the block `{}` is taken for text and not run", first.text);
        let help = format!("write `{language}`, or `{language} norun` if that is meant");
        problems.warning(first.span.clone(), message, Some(help));
    }
}

/// The language that other tools call so.
fn meant_language(name: &str) -> Option<&'static str> {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
    match name.to_ascii_lowercase().as_str() {
        "python" | "py" => Some("python"),
        "redis" | "redis-cli" => Some("redis"),
        name => nearest(name, ["python", "redis"]),
    }
}

impl Fence {
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
            match (role_named(text), earlier) {
                (None, _) => unknown_word(word, problems),
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
        self.check_fails(problems);
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

fn unknown_word(word: &FenceWord, problems: &mut Problems) {
    let text = word.text.as_str();
    let (message, help) = if text == EXERCISE {
        let help = "checks go in a block that begins with `toml exercise`".to_owned();
        (format!("`{text}` belongs after `toml`"), help)
    } else {
        let name = text.split('=').next().unwrap_or(text);
        let help = match nearest(
            name,
            ROLES.map(|(role, _)| role).into_iter().chain(["fails", "world"]),
        ) {
            Some("fails") => "did you mean `fails=CHECK`?".to_owned(),
            Some("world") => "did you mean `world=NAME`?".to_owned(),
            Some(candidate) => format!("did you mean `{candidate}`?"),
            None => format!("known words: {WORDS}"),
        };
        (format!("unknown word `{text}`"), help)
    };
    problems.error(word.span.clone(), message, Some(help));
}
