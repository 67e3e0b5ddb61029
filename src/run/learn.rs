//! `redislings` without a command: the session.

use super::output::is_err_colored;
use super::{Exit, Stop, choose_server, is_interactive, load, open_tap, progress, tell_lines};
use crate::ask::Prompt;
use crate::cli::Common;
use crate::error::WorldError;
use crate::session::{Redis, Session, SessionEnd};

pub(super) fn learn(common: &Common) -> Result<Exit, Stop> {
    if !is_interactive() {
        return Err(Stop::Usage(
            "the course needs a terminal to ask and answer in, and this is a pipe or a dumb one"
                .to_owned(),
            "without a terminal:\n\
             redislings list                   shows the exercises\n\
             redislings check EXERCISE FILE    judges an answer\n\
             redislings verify                 proves the lessons"
                .to_owned(),
        ));
    }
    let course = load(common)?;
    // A wrong `--server` is told now, not in the middle of the lesson.
    super::wanted(common)?;
    let progress = progress()?;
    let find_redis = || {
        let chosen = choose_server(common, &tell_lines).map_err(|stop| match stop {
            Stop::World(error) => error,
            Stop::Usage(fact, help) => WorldError::new(fact, help),
            Stop::Lessons => WorldError::new("the lessons can't be read", "see `redislings list`"),
        })?;
        Ok(Redis { chosen, tap: open_tap(common)? })
    };
    let mut ask = Prompt::new(is_err_colored());
    let mut screen = std::io::stdout();
    let end = Session::new(&course, progress, &mut ask, &mut screen, &find_redis).run()?;
    Ok(match end {
        SessionEnd::Quit => Exit::Passed,
        SessionEnd::Interrupted => Exit::Interrupted,
    })
}
