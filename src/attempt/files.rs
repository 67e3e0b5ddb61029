//! Files that checks want to see loaded by a second server: from the answer's own folder, or the
//! server's append-only file.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::answer::FinishedAnswer;
use super::contents::Contents;
use super::evidence::{LoadFailure, Look};
use super::restore::{Failure, OF_A_SNAPSHOT, failure, look_into, settings};
use super::runner::why_no_file;
use super::timing::REPLY_LIMIT;
use crate::checks::quoted;
use crate::error::EnvironmentError;
use crate::lesson::check::FROM_AOF;
use crate::lesson::{Exercise, Moment};
use crate::sanitize::ShownPath as _;
use crate::server::{FileName, Server, ServerFile};

/// Settings with which a second server loads the append-only file.
const OF_THE_LOG: [(&str, &str); 2] = [("appendonly", "yes"), ("save", "")];
/// The server's directory, as an answer's program sees it.
const OF_THE_SERVER: &str = "data/";
/// A larger file is none of an exercise.
const LARGEST: u64 = 256 * 1024 * 1024;
/// How long a server may put off what it writes to its log.
const WRITE_LIMIT: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(20);
/// So many files of a folder are named.
const SHOWN_FILES: usize = 8;

/// The files of an answer's folder that checks name; the folder is removed with the answer.
#[derive(Debug, Default)]
pub(super) struct KeptFiles {
    /// By name, if they are there.
    files: BTreeMap<String, Vec<u8>>,
    /// The names that are links: a link is not a file of its own.
    links: BTreeSet<String>,
    /// What else the folder holds; `None` if the answer has no folder.
    others: Option<Vec<String>>,
}

impl KeptFiles {
    pub(super) fn of(
        finished: &FinishedAnswer,
        exercise: &Exercise,
    ) -> Result<Self, EnvironmentError> {
        let mut kept = Self::default();
        let Some(folder) = finished.folder().filter(|_| !exercise.loads.is_empty()) else {
            return Ok(kept);
        };
        for name in exercise.loads.iter().filter(|name| is_of_the_answer(name)) {
            let path = folder.join(name);
            if is_link(&path) {
                kept.links.insert(name.clone());
            } else if let Some(content) = read(&path)? {
                kept.files.insert(name.clone(), content);
            }
        }
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut others: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        others.sort();
        kept.others = Some(others);
        Ok(kept)
    }
}

fn is_of_the_answer(from: &str) -> bool {
    from != FROM_AOF && !from.starts_with(OF_THE_SERVER)
}

/// A symbolic link, or one of several names of the very file that the answer was to copy.
fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path)
        .is_ok_and(|file| file.is_symlink() || (file.is_file() && file.nlink() > 1))
}

/// A regular file's content: an answer may have put anything there, such as a pipe.
fn read(path: &Path) -> Result<Option<Vec<u8>>, EnvironmentError> {
    let is_small_file =
        std::fs::symlink_metadata(path).is_ok_and(|file| file.is_file() && file.len() <= LARGEST);
    if !is_small_file {
        return Ok(None);
    }
    std::fs::read(path).map(Some).map_err(|error| {
        EnvironmentError::new(format!("cannot read `{}`: {error}", path.shown()), "try again")
    })
}

/// Lets a second, clean server load what `from` names, and looks at it.
pub(super) fn load(
    server: &mut Server,
    exercise: &Exercise,
    before: Option<&Contents>,
    moment: Moment,
    from: &str,
    kept: &KeptFiles,
) -> Result<Look, EnvironmentError> {
    let (found, clean) = if from == FROM_AOF {
        (log_of(server)?, OF_THE_LOG)
    } else {
        (snapshot(server, exercise, from, kept)?, OF_A_SNAPSHOT)
    };
    let files = match found {
        Ok(files) => files,
        Err(why) => return Ok(Err(LoadFailure::Because(why))),
    };
    match server.another_from_files(&settings(exercise, clean), &files) {
        Ok(second) => look_into(second, exercise, before, moment).map(Ok),
        Err(error) => match failure(error.clone())? {
            Failure::Files(why) => {
                let file = if from == FROM_AOF { "the append-only file" } else { from };
                let why = format!("no server starts with {file}: {}", quoted(&why));
                Ok(Err(LoadFailure::Because(why)))
            }
            Failure::Setting(_) => Err(error),
        },
    }
}

/// The answer's file as the second server's snapshot, or why there is none.
fn snapshot(
    server: &Server,
    exercise: &Exercise,
    from: &str,
    kept: &KeptFiles,
) -> Result<Result<Vec<ServerFile>, String>, EnvironmentError> {
    if let Some(name) = from.strip_prefix(OF_THE_SERVER) {
        return of_the_server(server, name);
    }
    if kept.links.contains(from) {
        return Ok(Err(format!("`{from}` is a link, and not a file of its own")));
    }
    if let Some(content) = kept.files.get(from) {
        return Ok(Ok(vec![ServerFile::dump(content.clone())]));
    }
    // With `stop = true` an answer may leave it in the server's directory.
    if exercise.stop {
        if server.directory().is_some_and(|directory| is_link(&directory.join(from))) {
            return Ok(Err(format!("`data/{from}` is a link, and not a file of its own")));
        }
        let found = of_the_server(server, from)?;
        if found.is_ok() || kept.others.is_none() {
            return Ok(found);
        }
    }
    let mut others = kept.others.clone().unwrap_or_default();
    let more = others.len().saturating_sub(SHOWN_FILES);
    others.truncate(SHOWN_FILES);
    if more > 0 {
        others.push(format!("{more} more"));
    }
    let there = match others.as_slice() {
        [] => "the folder is empty".to_owned(),
        others => format!("it holds {}", others.join(", ")),
    };
    Ok(Err(format!("there is no `{from}` in the answer's folder: {there}")))
}

/// The file in the server's directory.
fn of_the_server(
    server: &Server,
    name: &str,
) -> Result<Result<Vec<ServerFile>, String>, EnvironmentError> {
    let content = match FileName::parse(name) {
        Ok(file) => server.file(&file)?,
        Err(_) => None,
    };
    Ok(match content {
        Some(content) => Ok(vec![ServerFile::dump(content)]),
        None => Err(why_no_file(name, &server.files()?)),
    })
}

/// While the disk is busy, a server with `appendfsync everysec` puts off for up to two seconds what
/// it has to write. One that does not reply writes nothing either.
fn wait_until_written(server: &mut Server) {
    let deadline = Instant::now() + WRITE_LIMIT;
    while Instant::now() < deadline
        && server.info(REPLY_LIMIT).is_ok_and(|info| info.number("aof_buffer_length") > 0)
    {
        std::thread::park_timeout(POLL);
    }
}

/// The files of the append-only log, or that there is none.
fn log_of(server: &mut Server) -> Result<Result<Vec<ServerFile>, String>, EnvironmentError> {
    wait_until_written(server);
    let mut files = Vec::new();
    for name in server.files()?.into_iter().filter(FileName::is_of_the_log) {
        if let Some(content) = server.file(&name)? {
            files.push(ServerFile { name, content });
        }
    }
    let none = "there is no append-only file in the server's directory";
    Ok(if files.is_empty() { Err(none.to_owned()) } else { Ok(files) })
}
