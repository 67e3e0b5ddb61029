//! `redislings` without a command: the session.

use std::io::IsTerminal as _;
use std::path::Path;
use std::time::SystemTime;

use super::github::CommandsStopped;
use super::output::{is_err_colored, out};
use super::{Exit, Stop, choose_server, load, open_tap};
use crate::answers;
use crate::ask::Prompt;
use crate::cli::Common;
use crate::error::WorldError;
use crate::journal::Journal;
use crate::lesson::Course;
use crate::present::{output_width, plain, terminal};
use crate::private;
use crate::progress::{NotLocked, Progress};
use crate::session::{Console, FindRedis, Fullscreen, Kept, Linear, Redis, Session, SessionEnd};
use crate::state;
use crate::telling::Told;

/// Of the Redis prompt, beside the progress.
const HISTORY: &str = "redis_history";
/// At a time: the exercise's, the next one that waits already, an example's, and one that loads a snapshot.
const SERVERS: u16 = 4;

pub(super) fn learn(common: &Common) -> Result<Exit, Stop> {
    let has_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if !has_terminal && !plain::is_on() {
        return Err(Stop::Usage(
            "the course needs a terminal to ask and answer in, and this is a pipe".to_owned(),
            "without a terminal:\n\
             redislings list                   shows the exercises\n\
             redislings check EXERCISE FILE    judges an answer\n\
             redislings verify                 proves the lessons\n\
             redislings --plain                reads a letter from each line"
                .to_owned(),
        ));
    }
    let course = load(common)?;
    // A wrong `--server` is told now, not in the middle of the lesson.
    super::wanted(common)?;
    let (progress, damaged) = Progress::of_the_user()?;
    let (_lock, told) = match progress.lock_session() {
        Ok(lock) => (Some(lock), damaged),
        Err(not_locked) => (None, damaged.or_else(|| Some(without_lock(&not_locked)))),
    };
    // In words only it may run in a job, on a pipe.
    let _stopped = plain::is_on().then(CommandsStopped::new);
    let mut console: Box<dyn Console> = if plain::is_on() {
        Box::new(Linear::open()?)
    } else {
        Box::new(Fullscreen::open(Prompt::new(is_err_colored())))
    };
    let end = session(&course, progress, &mut *console, common, &told.unwrap_or_default());
    drop(console);
    let (end, is_kept) = end?;
    let farewell = if is_kept {
        "your progress is kept: start `redislings` again to go on"
    } else {
        "not all of your progress could be kept: make room, or the folder of the progress file writable"
    };
    out(&terminal::notice(farewell, output_width()));
    Ok(match end {
        SessionEnd::Quit => Exit::Passed,
        SessionEnd::Interrupted => Exit::Interrupted,
    })
}

fn session(
    course: &Course,
    progress: Progress,
    console: &mut dyn Console,
    common: &Common,
    told: &str,
) -> Result<(SessionEnd, bool), WorldError> {
    // Without the folder there is nothing to watch; who can't write there is told at the first answer.
    let _ = private::make_shared_folder(Path::new(answers::FOLDER));
    let kept = Kept {
        journal: Journal::of_the_user(SystemTime::now()).ok(),
        history: state::directory().ok().map(|folder| folder.join(HISTORY)),
    };
    let mut session = Session::new(course, progress, kept, console, find_redis(common.clone()))?;
    let end = session.run(told)?;
    Ok((end, session.is_kept()))
}

fn find_redis(common: Common) -> Box<FindRedis> {
    Box::new(move |telling: &dyn Fn(Told<'_>)| {
        let chosen = choose_server(&common, telling).map_err(|stop| match stop {
            Stop::World(error) => error,
            Stop::Usage(fact, help) => WorldError::new(fact, help),
            Stop::Lessons => WorldError::new("the lessons can't be read", "see `redislings list`"),
        })?;
        chosen.source.make_room_for(SERVERS);
        let tap = open_tap(&common, &chosen.source)?;
        Ok(Redis { chosen, tap })
    })
}

/// The session runs all the same: what two of them note is merged.
fn without_lock(why: &NotLocked) -> String {
    match why {
        NotLocked::OtherSession(process) => {
            let which = process.map(|id| format!(" (process {id})")).unwrap_or_default();
            format!(
                "another session of yours runs{which}: what both note is kept, but saving an answer is checked in both"
            )
        }
        NotLocked::World(error) => format!("{}; {}", error.fact, error.help),
    }
}
