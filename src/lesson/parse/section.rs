//! Builds a [`Step`] with its examples and its exercise from the parts of a section.

use super::super::block::BlockText;
use super::super::exercise::{self, Head};
use super::super::problem::{Problems, did_you_mean};
use super::super::{Code, Example, Exercise, FailingAnswer, Language, Span, Step, check};
use super::fence::{self, Fence, FenceWord, Role};
use super::outline::{FencedBlock, OutlinePart, Section};
use super::{reading, redis_lines, tasks};

struct SectionBlock<'a> {
    fenced: &'a FencedBlock,
    fence: Fence,
}

impl SectionBlock<'_> {
    fn code(&self, language: Language) -> Code {
        let (text, span) = (self.fenced.content.text().to_owned(), self.fenced.span.clone());
        Code { language, text, span }
    }

    fn opening_line(&self) -> Span {
        self.fenced.span.start..self.fenced.info.end
    }
}

pub(super) fn step(
    section: Section,
    lesson_title: &str,
    source: &str,
    problems: &mut Problems,
) -> Step {
    let blocks: Vec<SectionBlock<'_>> = fenced_blocks(&section)
        .map(|fenced| SectionBlock {
            fenced,
            fence: fence::read(source, fenced.info.clone(), problems),
        })
        .collect();
    let role_of = |fenced: &FencedBlock| {
        let found =
            blocks.binary_search_by_key(&fenced.span.start, |block| block.fenced.span.start);
        found.map_or(Role::Shown, |index| blocks[index].fence.role)
    };
    let details = reading::hidden_details(&section, role_of);
    let all_closed = are_closed(&blocks, source, problems);
    // An unclosed block swallows the rest of the section: its content is not reported, and what
    // seems to be missing may be in it.
    let hidden = reading::hidden(&section, &details, role_of);
    let (examples, exercise) = if all_closed {
        let exercise = exercise_of(&section, &hidden, &blocks, problems);
        (examples(&blocks, &details, source, problems), exercise)
    } else {
        (Vec::new(), None)
    };
    let reading = reading::spans(&section, &hidden, source);
    let title = section.title.clone().filter(|title| !title.is_empty());
    let title = title.unwrap_or_else(|| lesson_title.to_owned());
    Step { title, reading, examples, exercise }
}

fn fenced_blocks(section: &Section) -> impl Iterator<Item = &FencedBlock> {
    section.parts.iter().filter_map(|part| match part {
        OutlinePart::Fence(fenced) => Some(fenced),
        _ => None,
    })
}

fn are_closed(blocks: &[SectionBlock<'_>], source: &str, problems: &mut Problems) -> bool {
    let mut all_closed = true;
    for block in blocks {
        let marks = opening_marks(block, source);
        if !is_closed(block, marks, source) {
            let help = format!("end it with a line `{marks}`");
            problems.error(block.opening_line(), "the block is never closed", Some(help));
            all_closed = false;
        } else if let Some(line) = swallowed_opening(&block.fenced.content, marks) {
            let opened = source[..block.fenced.span.start].matches('\n').count() + 1;
            let help = format!("end the block of line {opened} with a line `{marks}`");
            let message = "a block opens inside another that is not closed";
            if block.fence.role == Role::Shown {
                problems.warning(line, message, Some(help));
            } else {
                problems.error(line, message, Some(help));
                all_closed = false;
            }
        }
    }
    all_closed
}

/// The run of `` ` `` or `~` that opens the block and that must close it.
fn opening_marks<'a>(block: &SectionBlock<'_>, source: &'a str) -> &'a str {
    &source[block.fenced.span.start..block.fenced.info.start]
}

/// A closing fence must follow the content, after the markers of the quotes around it. Markdown
/// does not require one at the end of the file, or of the list or quote that contains the block.
fn is_closed(block: &SectionBlock<'_>, marks: &str, source: &str) -> bool {
    let end = block.fenced.content.file_end();
    let rest = source.get(end..block.fenced.span.end).unwrap_or_default();
    let closing = rest.trim_matches(|c: char| c.is_whitespace() || c == '>');
    closing.len() >= marks.len() && closing.chars().all(|mark| marks.starts_with(mark))
}

/// A line that would open a block if this one were closed above it.
fn swallowed_opening(content: &BlockText, marks: &str) -> Option<Span> {
    content.lines().find(|(line, _)| is_opening(line, marks)).map(|(_, span)| span)
}

fn is_opening(line: &str, marks: &str) -> bool {
    let line = line.trim_start();
    let info = line.trim_start_matches(['`', '~']);
    line.starts_with(marks) && info.starts_with(char::is_alphabetic) && !info.contains('`')
}

/// The blocks that the student sees and can run; not those in hints and next to solutions.
fn examples(
    blocks: &[SectionBlock<'_>],
    hidden: &[Span],
    source: &str,
    problems: &mut Problems,
) -> Vec<Example> {
    let mut examples = Vec::new();
    for block in blocks {
        let Role::Example(language) = block.fence.role else { continue };
        // Words after the language were already reported.
        let is_plain = !source[block.fenced.info.clone()].trim().contains(char::is_whitespace);
        if is_plain && block.fenced.content.is_blank() {
            let help = Some("write something to run, or mark the block with `norun`".to_owned());
            problems.error(block.opening_line(), "the example is empty", help);
        }
        let dialogue = match language {
            Language::Redis => redis_lines::dialogue(&block.fenced.content, problems),
            Language::Python => Vec::new(),
        };
        let is_hidden = hidden.iter().any(|span| span.contains(&block.fenced.span.start));
        if !is_hidden && !block.fenced.in_tip {
            examples.push(Example { code: block.code(language), dialogue });
        }
    }
    examples
}

fn exercise_of(
    section: &Section,
    hidden: &[Span],
    blocks: &[SectionBlock<'_>],
    problems: &mut Problems,
) -> Option<Exercise> {
    let mut heads = blocks.iter().filter(|block| block.fence.role == Role::Exercise);
    let Some(first) = heads.next() else {
        for block in blocks.iter().filter(|block| block.fence.role.needs_exercise()) {
            let help = Some("add a `toml exercise` block to this section".to_owned());
            problems.error(block.fence.place.clone(), "this block needs an exercise", help);
        }
        tasks::check(section, hidden, None, problems);
        return None;
    };
    for block in heads {
        let help = Some("begin a new section with `##`".to_owned());
        problems.error(block.fence.place.clone(), "a second exercise in one section", help);
    }
    let head = exercise::read(&first.fenced.content, first.opening_line(), problems);
    tasks::check(section, hidden, Some(&head), problems);
    let answers = answers(section, blocks, &head, problems);
    let exercise = build_exercise(section, head, answers);
    check_languages(&exercise, blocks, problems);
    Some(exercise)
}

#[derive(Default)]
struct Answers {
    setup: Vec<Code>,
    starters: Vec<FailingAnswer>,
    solutions: Vec<Code>,
    wrong: Vec<FailingAnswer>,
}

fn answers(
    section: &Section,
    blocks: &[SectionBlock<'_>],
    head: &Head,
    problems: &mut Problems,
) -> Answers {
    let mut answers = Answers::default();
    for block in blocks {
        check_lines(block, problems);
        match block.fence.role {
            Role::Setup => answers.setup.push(block.code(Language::Redis)),
            Role::Solution(language) => answers.solutions.push(block.code(language)),
            Role::Starter(language) => {
                if has_starter(&answers, language) {
                    let message = format!("a second `{language}` starter in one exercise");
                    problems.error(block.fence.place.clone(), message, None);
                }
                answers.starters.extend(failing_answer(block, language, head, problems));
            }
            Role::Wrong(language) => {
                let mut wrong = failing_answer(block, language, head, problems);
                if let Some(wrong) = &mut wrong {
                    wrong.note.end = reading::note_end(section, block.fenced);
                }
                answers.wrong.extend(wrong);
            }
            Role::Shown | Role::Example(_) | Role::Exercise => {}
        }
    }
    report_missing(&answers, head, problems);
    check_equivalents(&answers, head, problems);
    answers
}

fn has_starter(answers: &Answers, language: Language) -> bool {
    answers.starters.iter().any(|starter| starter.code.language == language)
}

fn check_lines(block: &SectionBlock<'_>, problems: &mut Problems) {
    let content = &block.fenced.content;
    let role = block.fence.role;
    let what = match role {
        Role::Solution(_) => Some("solution"),
        Role::Wrong(_) => Some("wrong answer"),
        Role::Setup => Some("setup"),
        Role::Starter(_) | Role::Shown | Role::Example(_) | Role::Exercise => None,
    };
    if let Some(what) = what.filter(|_| content.is_blank()) {
        problems.error(block.opening_line(), format!("the {what} is empty"), None);
    }
    // Wrong answers may be wrong in any way.
    match role {
        Role::Setup => redis_lines::check_setup(content, problems),
        Role::Starter(Language::Redis) | Role::Solution(Language::Redis) => {
            redis_lines::check_commands(content, problems);
        }
        _ => {}
    }
}

fn failing_answer(
    block: &SectionBlock<'_>,
    language: Language,
    head: &Head,
    problems: &mut Problems,
) -> Option<FailingAnswer> {
    let fails = block.fence.fails.as_ref()?;
    check_fails(fails, head, problems);
    let end = block.fenced.span.end;
    Some(FailingAnswer { code: block.code(language), fails: fails.text.clone(), note: end..end })
}

fn check_fails(fails: &FenceWord, head: &Head, problems: &mut Problems) {
    let id = fails.text.as_str();
    if id == check::ENDS_WELL && head.checks_exit() {
        let help = "this exercise checks `exit` itself: name that check".to_owned();
        problems.error(fails.span.clone(), format!("`{id}` is not checked here"), Some(help));
        return;
    }
    let known: Vec<&str> =
        head.check_ids().chain([check::ENDS_WELL, check::EVIDENCE_IS_VALID]).collect();
    if head.is_complete && !known.contains(&id) {
        let help = did_you_mean(id, known);
        problems.error(fails.span.clone(), format!("unknown check `{id}`"), help);
    }
}

fn report_missing(answers: &Answers, head: &Head, problems: &mut Problems) {
    if answers.solutions.is_empty() {
        let help = Some("add a `python solution` or a `redis solution` block".to_owned());
        problems.error(head.span.clone(), "the exercise has no solution", help);
    }
    for (id, span) in &head.named_checks {
        let mut failing = answers.starters.iter().chain(&answers.wrong);
        if !failing.any(|answer| answer.fails == *id) {
            let help = format!("add a wrong answer with `fails={id}`");
            problems.warning(span.clone(), check::never_named(id), Some(help));
        }
    }
}

/// Reports equivalents of unknown solutions, which have no mutants.
fn check_equivalents(answers: &Answers, head: &Head, problems: &mut Problems) {
    let solutions = solution_ids(&answers.solutions);
    for equivalent in &head.equivalents {
        let (solution, _) = equivalent.mutant.rsplit_once('/').unwrap_or_default();
        if !solutions.iter().any(|known| known == solution) {
            let message = format!("there is no `{solution}`");
            let help = did_you_mean(solution, solutions.iter().map(String::as_str));
            problems.error(equivalent.span.clone(), message, help);
        }
    }
}

/// `redis/solution-1`.
fn solution_ids(solutions: &[Code]) -> Vec<String> {
    let mut ids = Vec::new();
    for language in Language::ALL {
        let count = solutions.iter().filter(|solution| solution.language == language).count();
        ids.extend((1..=count).map(|number| format!("{language}/solution-{number}")));
    }
    ids
}

fn build_exercise(section: &Section, head: Head, answers: Answers) -> Exercise {
    let hints = section.parts.iter().filter_map(|part| match part {
        OutlinePart::Tip { text, .. } => Some(text.clone()),
        _ => None,
    });
    Exercise {
        hints: hints.filter(|text| !text.trim().is_empty()).collect(),
        id: head.id,
        span: head.span,
        time_limit: head.time_limit,
        settings: head.settings,
        settings_span: head.settings_span,
        crash: head.crash,
        checks: head.checks,
        equivalents: head.equivalents,
        meanwhile: head.meanwhile,
        setup: answers.setup,
        starters: answers.starters,
        solutions: answers.solutions,
        wrong_answers: answers.wrong,
    }
}

fn check_languages(exercise: &Exercise, blocks: &[SectionBlock<'_>], problems: &mut Problems) {
    if exercise.hints.is_empty() {
        let help = Some("add a quote that begins with `> [!TIP]`".to_owned());
        problems.error(exercise.span.clone(), "the exercise has no hint", help);
    }
    let languages = exercise.languages();
    for block in blocks.iter().filter(|_| !languages.is_empty()) {
        let (Role::Starter(language) | Role::Wrong(language)) = block.fence.role else { continue };
        if !languages.contains(&language) {
            let help = format!("add a `{language} solution` block");
            let message = format!("the exercise has no `{language}` solution");
            problems.error(block.fence.place.clone(), message, Some(help));
        }
    }
    for language in languages {
        let solution = first_block(blocks, Role::Solution(language));
        let starter = first_block(blocks, Role::Starter(language));
        if let (Some(solution), None) = (solution, starter) {
            let help = format!("add a `{language} starter` block");
            let message = format!("the exercise has no `{language}` starter");
            problems.warning(solution.fence.place.clone(), message, Some(help));
        }
    }
}

fn first_block<'b, 'a>(blocks: &'b [SectionBlock<'a>], role: Role) -> Option<&'b SectionBlock<'a>> {
    blocks.iter().find(|block| block.fence.role == role)
}
