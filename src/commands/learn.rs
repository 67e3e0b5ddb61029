//! `redislings` without a command: the interactive session.

use std::io::IsTerminal as _;
use std::path::Path;
use std::time::SystemTime;

use super::github::CommandsStopped;
use super::output::{is_err_colored, out};
use super::{Exit, Stop, choose_server, load, open_relay};
use crate::answers;
use crate::ask::Prompt;
use crate::cli::Common;
use crate::disk;
use crate::error::EnvironmentError;
use crate::journal::Journal;
use crate::lesson::Course;
use crate::present::{output_width, plain, terminal};
use crate::private;
use crate::progress::{NotLocked, Progress};
use crate::progress_event::ProgressEvent;
use crate::sanitize::ShownPath as _;
use crate::session::{
    self, Console, FindRedis, Fullscreen, PlainConsole, Redis, SavedWork, SessionEnd,
};
use crate::state;

/// The file of the Redis prompt's history, beside the progress file.
const HISTORY: &str = "redis_history";
/// The largest number of servers at a time: the exercise's, the next one that is started ahead, an
/// example's, and one that loads a snapshot.
const SERVERS: u16 = 4;

pub(super) fn learn(common: &Common) -> Result<Exit, Stop> {
    let has_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if !has_terminal && !plain::is_on() {
        return Err(Stop::Usage(
            "the course needs a terminal for standard input and standard output".to_owned(),
            "without a terminal:\n\
             redislings list                   shows the exercises\n\
             redislings check EXERCISE FILE    checks an answer\n\
             redislings verify                 tests the lessons\n\
             redislings --plain                reads one letter from each line"
                .to_owned(),
        ));
    }
    let course = load(common)?;
    // Reports a wrong `--server` now, not in the middle of a lesson.
    super::wanted(common)?;
    let (mut progress, damaged) = Progress::of_the_user()?;
    let answers = unwritable_answers();
    let refused = progress.refusal();
    let (_lock, unlocked) = match progress.lock_session() {
        Ok(lock) => (Some(lock), None),
        // Without a place for its lock, a session knows of no other.
        Err(not_locked) => (None, refused.is_none().then(|| without_lock(&not_locked))),
    };
    let message = [answers, refused.or(damaged).or(unlocked)];
    let message: Vec<String> = message.into_iter().flatten().collect();
    // In plain mode the session may run on a pipe, in a CI job.
    let _stopped = plain::is_on().then(CommandsStopped::new);
    let mut console: Box<dyn Console> = if plain::is_on() {
        Box::new(PlainConsole::default())
    } else {
        Box::new(Fullscreen::open(Prompt::new(is_err_colored())))
    };
    let end = run_session(&course, progress, &mut *console, common, &message.join("\n"));
    drop(console);
    let (end, is_saved) = end?;
    let notice = if is_saved {
        "your progress is saved: start `redislings` again to continue"
    } else {
        "some of your progress could not be saved: free some space, or make the folder of the \
         progress file writable"
    };
    out(&terminal::notice(notice, output_width()));
    Ok(match end {
        SessionEnd::Quit => Exit::Passed,
        SessionEnd::Interrupted => Exit::Interrupted,
    })
}

fn run_session(
    course: &Course,
    progress: Progress,
    console: &mut dyn Console,
    common: &Common,
    message: &str,
) -> Result<(SessionEnd, bool), EnvironmentError> {
    let saved = SavedWork {
        journal: Journal::of_the_user(SystemTime::now()).ok(),
        history: state::directory().ok().map(|folder| folder.join(HISTORY)),
    };
    session::run(course, progress, saved, console, find_redis(common.clone()), message)
}

/// Makes the folder of the answers, which the session watches. The message says why nothing can be
/// saved there; another failure is reported by the first answer.
fn unwritable_answers() -> Option<String> {
    let folder = Path::new(answers::FOLDER);
    let why = disk::why_unwritable(private::make_shared_folder(folder), folder)?;
    Some(format!(
        "your answers can't be saved: the folder `{}` is {why}; start redislings in a folder that \
         you can write to",
        folder.shown()
    ))
}

fn find_redis(common: Common) -> Box<FindRedis> {
    Box::new(move |report: &dyn Fn(ProgressEvent<'_>)| {
        let chosen = choose_server(&common, report).map_err(|stop| match stop {
            Stop::Environment(error) => error,
            Stop::Usage(fact, help) => EnvironmentError::new(fact, help),
            Stop::Lessons => {
                EnvironmentError::new("the lessons can't be read", "see `redislings list`")
            }
        })?;
        chosen.source.make_room_for(SERVERS);
        let relay = open_relay(&common, &chosen.source)?;
        Ok(Redis { chosen, relay })
    })
}

/// The warning of a session that runs without the lock. Two sessions merge what they record.
fn without_lock(why: &NotLocked) -> String {
    match why {
        NotLocked::OtherSession(process) => {
            let which = process.map(|id| format!(" (process {id})")).unwrap_or_default();
            format!(
                "another session of yours is running{which}: the progress of both is kept, but \
                 each answer that you save is checked in both"
            )
        }
        NotLocked::Environment(error) => format!("{}; {}", error.fact, error.help),
    }
}
