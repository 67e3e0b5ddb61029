//! Builds a [`Step`] with its examples and its exercise from the parts of a section.

use super::super::block::BlockText;
use super::super::exercise::{self, Head};
use super::super::meanwhile::IT_CAME_TO_THAT;
use super::super::problem::{Problems, did_you_mean, suggestion};
use super::super::words;
use super::super::{Code, Exercise, FailingAnswer, Language, Span, Step, check, line_of};
use super::alert::AlertKind;
use super::examples::examples_of;
use super::fence::Role;
use super::info::FenceWord;
use super::outline::{FencedBlock, OutlinePart, Section};
use super::{advice, reading, redis_lines, tasks};
use crate::runner_line::Place;

/// `has_exercise`: whether the lesson has one, perhaps swallowed by a block that is not closed.
pub(super) fn step(
    section: Section,
    lesson_title: &str,
    has_exercise: bool,
    source: &str,
    problems: &mut Problems,
) -> Step {
    let is_exercise = section.exercises().next().is_some();
    for slip in section.slips() {
        slip.report(is_exercise, has_exercise, problems);
    }
    let details = reading::hidden_details(&section);
    let hidden = reading::hidden(&section, &details);
    let (mut exercise, mut examples) = (None, Vec::new());
    let (unclosed, _) = problems
        .forgiving_if(!has_exercise, "", |problems| unclosed_blocks(&section, source, problems));
    // An unclosed block swallows the rest of the section: its content is not reported, and what
    // seems to be missing may be in it.
    if unclosed.is_empty() || !has_exercise {
        exercise = exercise_of(&section, &hidden, problems);
        let shown = section.blocks().filter(|block| !unclosed.contains(&block.span));
        examples = examples_of(shown, &details, is_exercise, problems);
    }
    let reading = reading::spans(&section, &hidden, source);
    let Section { title, span, .. } = section;
    let title = title.filter(|title| !title.is_empty()).unwrap_or_else(|| lesson_title.to_owned());
    Step { title, span, reading, examples, exercise }
}

/// Reports blocks without an end, and returns those that are not run for it.
fn unclosed_blocks(section: &Section, source: &str, problems: &mut Problems) -> Vec<Span> {
    let mut unclosed = Vec::new();
    for block in section.blocks() {
        // The run of `` ` `` or `~` that opens the block and that must close it.
        let marks = &source[block.span.start..block.info.start];
        if !is_closed(block, marks, source) {
            let help = format!("end it with a line `{marks}`");
            problems.error(block.opening_line(), "the block is never closed", Some(help));
            unclosed.push(block.span.clone());
        } else if let Some(line) = swallowed_opening(&block.content, marks) {
            let opened = line_of(source, block.span.start);
            let help = format!("end the block of line {opened} with a line `{marks}`");
            let message = "a block opens inside another that is not closed";
            if block.fence.role == Role::Shown {
                problems.warning(line, message, Some(help));
            } else {
                problems.error(line, message, Some(help));
                unclosed.push(block.span.clone());
            }
        }
    }
    unclosed
}

/// A closing fence must follow the content, after the markers of the quotes around it. Markdown
/// does not require one at the end of the file, or of the list or quote that contains the block.
fn is_closed(block: &FencedBlock, marks: &str, source: &str) -> bool {
    let rest = source.get(block.content.file_end()..block.span.end).unwrap_or_default();
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

fn exercise_of(section: &Section, hidden: &[Span], problems: &mut Problems) -> Option<Exercise> {
    let mut blocks = section.exercises();
    // What is missing may stand in a block whose role is misspelt.
    let has_slip = problems.has_error_in(&section.span);
    let Some(first) = blocks.next() else {
        for block in section.blocks().filter(|block| block.fence.role.needs_exercise() && !has_slip)
        {
            let help = Some("add a `toml exercise` block to this section".to_owned());
            problems.error(block.fence.place.clone(), "this block needs an exercise", help);
        }
        tasks::check(section, hidden, None, problems);
        return None;
    };
    for block in blocks {
        let help = Some("begin a new section with `##`".to_owned());
        problems.error(block.fence.place.clone(), "a second exercise in one section", help);
    }
    let mut head = exercise::read(&first.content, first.opening_line(), problems);
    tasks::check(section, hidden, Some(&head), problems);
    add_answers(section, &mut head, problems);
    head.exercise.complete_worlds();
    if !head.exercise.stop {
        let setup = section.blocks().filter(|block| block.fence.role == Role::Setup);
        redis_lines::check_that_it_runs(setup.map(|block| &block.content), problems);
    }
    for part in &section.parts {
        let OutlinePart::Alert(AlertKind::Tip, _, text) = part else { continue };
        head.exercise.hints.extend(Some(text.clone()).filter(|text| !text.trim().is_empty()));
    }
    report_missing(&head, has_slip, problems);
    check_equivalents(&head.exercise, problems);
    words::check(&head.exercise, problems);
    check_languages(section, &head.exercise, problems);
    // After an error, what seems odd may be a consequence.
    if !problems.has_error_in(&section.span) {
        advice::check(section, &head.exercise, problems);
    }
    Some(head.exercise)
}

fn add_answers(section: &Section, head: &mut Head, problems: &mut Problems) {
    for block in section.blocks() {
        check_lines(block, head.exercise.place(), problems);
        match block.fence.role {
            Role::Setup => add_setup(block, &mut head.exercise, problems),
            Role::Solution(language) => head.exercise.solutions.push(block.code(language)),
            Role::Starter(language) => {
                let starters = &head.exercise.starters;
                if starters.iter().any(|starter| starter.code.language == language) {
                    let message = format!("a second `{language}` starter in one exercise");
                    problems.error(block.fence.place.clone(), message, None);
                }
                let starter = failing_answer(block, language, block.span.end, head, problems);
                head.exercise.starters.extend(starter);
            }
            Role::Wrong(language) => {
                let note_end = reading::note_end(section, block);
                let wrong = failing_answer(block, language, note_end, head, problems);
                head.exercise.wrong_answers.extend(wrong);
            }
            Role::Shown | Role::Example(_) | Role::Exercise => {}
        }
    }
}

fn add_setup(block: &FencedBlock, exercise: &mut Exercise, problems: &mut Problems) {
    let code = block.code(Language::Redis);
    let Some(name) = &block.fence.world else { return exercise.setup.push(code) };
    if let Some(world) = exercise.worlds.iter_mut().find(|world| world.name == name.text) {
        return world.setup.push(code);
    }
    let known: Vec<&str> = exercise.worlds.iter().map(|world| &*world.name).collect();
    let help = if known.is_empty() {
        "describe it in the `toml exercise` block: `[[world]]`".to_owned()
    } else {
        suggestion(&name.text, &known, "known worlds:")
    };
    let message = format!("unknown world `{}`", name.text);
    problems.error(name.span.clone(), message, Some(help));
}

fn check_lines(block: &FencedBlock, place: Place, problems: &mut Problems) {
    let what = match block.fence.role {
        Role::Solution(_) => "the solution is empty",
        Role::Wrong(_) => "the wrong answer is empty",
        Role::Setup => "the setup is empty",
        _ => "",
    };
    if !what.is_empty() && block.content.is_blank() {
        problems.error(block.opening_line(), what, None);
    }
    // Wrong answers may be wrong in any way.
    match block.fence.role {
        Role::Setup => redis_lines::check_setup(&block.content, problems),
        Role::Starter(Language::Redis) | Role::Solution(Language::Redis) => {
            redis_lines::check_commands(&block.content, place, problems);
        }
        _ => {}
    }
}

fn failing_answer(
    block: &FencedBlock,
    language: Language,
    note_end: usize,
    head: &Head,
    problems: &mut Problems,
) -> Option<FailingAnswer> {
    let fails = block.fence.fails.as_ref()?;
    check_fails(fails, head, problems);
    let note = block.span.end..note_end;
    Some(FailingAnswer { code: block.code(language), fails: fails.text.clone(), note })
}

fn check_fails(fails: &FenceWord, head: &Head, problems: &mut Problems) {
    let id = fails.text.as_str();
    let mut checks = head.exercise.checks.iter();
    if id == check::ENDS_WELL && checks.any(|check| check.kind == "exit") {
        let help = "this exercise checks `exit` itself: name that check".to_owned();
        problems.error(fails.span.clone(), format!("`{id}` is not checked here"), Some(help));
        return;
    }
    if head.exercise.checks.iter().any(|check| check.id == id && check.only_shows) {
        let help = "name the check that fails with it, or remove `shows = true`".to_owned();
        let message = format!("`{id}` only shows something: nothing may fail on it alone");
        problems.error(fails.span.clone(), message, Some(help));
    }
    let named = head.named_checks.iter().map(|(id, _)| id.as_str());
    let always = [check::ENDS_WELL, check::EVIDENCE_IS_VALID];
    let came = head.exercise.must_come_to_that().then_some(IT_CAME_TO_THAT);
    let known: Vec<&str> = named.chain(always).chain(came).collect();
    if head.is_complete && !known.contains(&id) {
        let help = did_you_mean(id, known);
        problems.error(fails.span.clone(), format!("unknown check `{id}`"), help);
    }
}

fn report_missing(head: &Head, has_slip: bool, problems: &mut Problems) {
    let Exercise { starters, solutions, wrong_answers, .. } = &head.exercise;
    if solutions.is_empty() && !has_slip {
        let help = Some("add a `python solution` or a `redis solution` block".to_owned());
        problems.error(head.exercise.span.clone(), "the exercise has no solution", help);
    }
    let has_python = head.exercise.languages().contains(&Language::Python);
    for (id, span) in &head.named_checks {
        let mut checks = head.exercise.checks.iter();
        let is_told =
            |check: &check::Check| check.only_shows || check.is_about_the_program() && !has_python;
        if checks.any(|check| check.id == *id && is_told(check)) {
            continue;
        }
        if !starters.iter().chain(wrong_answers).any(|answer| answer.fails == *id) {
            let help = format!("add a wrong answer with `fails={id}`");
            problems.warning(span.clone(), check::never_named(id), Some(help));
        }
    }
    let loads_own_file = head.exercise.checks.iter().find(|check| {
        check.from.as_ref().is_some_and(|from| from != check::FROM_AOF) && !head.exercise.stop
    });
    if let Some(check) = loads_own_file.filter(|_| head.exercise.may_be_typed()) {
        let message = "a `redis` answer has no folder whose file could be loaded";
        let help = Some("remove the `redis` solutions, or add `stop = true`".to_owned());
        problems.error(check.span.clone(), message, help);
    }
    if head.exercise.hints.is_empty() {
        let help = Some("add a quote that begins with `> [!TIP]`".to_owned());
        problems.error(head.exercise.span.clone(), "the exercise has no hint", help);
    }
}

/// Reports equivalents of unknown solutions, which have no mutants.
fn check_equivalents(exercise: &Exercise, problems: &mut Problems) {
    let solutions = solution_ids(&exercise.solutions);
    for equivalent in exercise.equivalents.iter().filter(|equivalent| !equivalent.is_glob()) {
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

fn check_languages(section: &Section, exercise: &Exercise, problems: &mut Problems) {
    let languages = exercise.languages();
    for block in section.blocks().filter(|_| !languages.is_empty()) {
        let (Role::Starter(language) | Role::Wrong(language)) = block.fence.role else { continue };
        if !languages.contains(&language) {
            let help = format!("add a `{language} solution` block");
            let message = format!("the exercise has no `{language}` solution");
            problems.error(block.fence.place.clone(), message, Some(help));
        }
    }
    for language in languages {
        let mut starters = section.blocks().map(|block| block.fence.role);
        let solution = section.blocks().find(|block| block.fence.role == Role::Solution(language));
        if let Some(solution) = solution
            && !starters.any(|role| role == Role::Starter(language))
        {
            let help = format!("add a `{language} starter` block");
            let message = format!("the exercise has no `{language}` starter");
            problems.warning(solution.fence.place.clone(), message, Some(help));
        }
    }
}
