//! `verify --watch`: after each save of a lesson, runs the cases of the sections that changed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};

use super::super::course::folder;
use super::super::{Exit, Stop, report_message};
use super::VerifyRequest;
use crate::backup::folder_of;
use crate::cleanup;
use crate::lesson::{Course, Step};
use crate::session::watch::Watch;
use crate::verify;

const WAITING: &str = "waiting for a lesson to be saved; Ctrl-C ends";

/// The texts of the sections that are known, each with its file.
type Known = HashSet<(PathBuf, String)>;

/// Runs what was asked for, then what changes, until a signal comes.
pub(super) fn watch(mut request: VerifyRequest<'_>) -> Result<Exit, Stop> {
    let Some(lessons) = folder(request.common) else {
        let help = "`redislings init DIR` writes it to a folder; then name it with `--lessons`";
        return Err(Stop::usage("the built-in course can't change", help));
    };
    let watched = if lessons.is_dir() { lessons } else { folder_of(lessons) };
    let (wake, woken) = mpsc::channel();
    let mut watch = Watch::start(watched, move || {
        let _ = wake.send(());
    });
    watch.look_after(files(watched));
    let mut known = Known::new();
    if let Ok((course, _)) = request.load() {
        known = sections(&course);
        ended(request.run())?;
    }
    report_message(WAITING);
    loop {
        wait_for_a_save(&mut watch, &woken, watched);
        let Ok((course, _)) = request.load() else { continue };
        let now = sections(&course);
        request.only = changed(&course, &known);
        known = now;
        if !request.only.is_empty() {
            ended(request.run())?;
            report_message(WAITING);
        }
    }
}

fn wait_for_a_save(watch: &mut Watch, woken: &Receiver<()>, folder: &Path) {
    while watch.saved().is_none() {
        cleanup::stop_if_a_signal_came();
        // A lesson may be new.
        if watch.saved_besides().is_some() {
            watch.look_after(files(folder));
            return;
        }
        let _ = woken.recv_timeout(watch.rests_for());
    }
}

/// Mistakes in a lesson are told already, and mended with the next save.
fn ended(run: Result<Exit, Stop>) -> Result<(), Stop> {
    match run {
        Ok(_) | Err(Stop::Lessons) => Ok(()),
        Err(stop) => Err(stop),
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.map(|entry| folder.join(entry.file_name())).filter(|path| path.is_file());
    files.collect()
}

fn sections(course: &Course) -> Known {
    let mut sections = Known::new();
    for lesson in &course.lessons {
        for step in &lesson.steps {
            sections.insert((lesson.path.clone(), lesson.source[step.span.clone()].to_owned()));
        }
    }
    sections
}

/// The names of the exercises and examples in sections that are not known.
fn changed(course: &Course, known: &Known) -> Vec<String> {
    let mut names = Vec::new();
    let is_known = |path: &Path, source: &str, step: &Step| {
        known.contains(&(path.to_owned(), source[step.span.clone()].to_owned()))
    };
    for case in verify::cases(course) {
        if is_known(&case.lesson.path, &case.lesson.source, case.step) {
            continue;
        }
        let name = match case.exercise {
            Some(exercise) if case.kind() != verify::case::CaseKind::Example => exercise.id.clone(),
            _ => case.id.clone(),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::parse::parse;

    const LESSON: &str = "# L\n\n## Read\n\n```redis\nPING\n```\n\n## E\n\n> [!TIP]\n> look\n\n\
        ```toml exercise\nid = \"e\"\n[[check]]\nid = \"c\"\nreply = { \"GET a\" = \"1\" }\n```\n\n\
        ```redis solution\nSET a 1\n```\n";

    fn course(text: &str) -> Course {
        let (lesson, _) = parse(Path::new("01-l.md"), text.to_owned());
        Course {
            title: "C".to_owned(),
            path: PathBuf::from("."),
            python_packages: Vec::new(),
            server_versions: Vec::new(),
            lessons: lesson.into_iter().collect(),
        }
    }

    #[test]
    fn only_what_changed_is_named() {
        let known = sections(&course(LESSON));
        assert_eq!(changed(&course(LESSON), &known), Vec::<String>::new());
        let other = LESSON.replace("SET a 1", "SET a 1\nPING");
        assert_eq!(changed(&course(&other), &known), ["e"]);
        let other = LESSON.replace("## Read", "## Read on");
        assert_eq!(changed(&course(&other), &known), ["l/example-1"]);
        let moved = LESSON.replace("# L", "# L\n\nMore text.");
        assert_eq!(changed(&course(&moved), &known), Vec::<String>::new());
    }
}
