//! Programs that stop and start their server: they ask by the program `server` (`server.sh`), and
//! find the server's files in their folder `data` while it is stopped.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::libc::O_NONBLOCK;

use super::fixture::Fixture;
use super::runner::{ServerControl, perform_for_an_answer};
use crate::cleanup::PassingDirectory;
use crate::error::EnvironmentError;
use crate::redis_cli::words;
use crate::runner_line::{self, Place, RunnerLine};
use crate::sanitize::ShownPath as _;
use crate::server::{FileName, Server, ServerFile};

/// The folder of the server's files in a program's own folder.
const DATA: &str = "data";
const REQUEST: &str = "request-";
/// How long the program may take to listen for the reply.
const REPLY_LIMIT: Duration = Duration::from_secs(10);
/// How often to see whether the server still runs.
const LOOK_PAUSE: Duration = Duration::from_millis(100);
const POLL: Duration = Duration::from_millis(5);

/// What a program asks the runner for while it runs.
pub(super) struct Control<'e> {
    /// Where requests are left; it is not the program's own folder.
    requests: PassingDirectory,
    data: PathBuf,
    settings: ServerControl<'e>,
    is_published: bool,
    /// What was copied to `data`.
    published: Vec<ServerFile>,
    looked: Instant,
    /// What went wrong that is not the program's fault.
    failed: Option<EnvironmentError>,
}

impl<'e> Control<'e> {
    /// For a program that runs in `folder`. The files of a server that is stopped already are there
    /// at once.
    pub(super) fn new(
        folder: &Path,
        settings: ServerControl<'e>,
        server: &mut Server,
    ) -> Result<Self, EnvironmentError> {
        let requests = PassingDirectory::new("control")?;
        let data = folder.join(DATA);
        let looked = Instant::now();
        let mut control = Self {
            requests,
            data,
            settings,
            is_published: false,
            published: Vec::new(),
            looked,
            failed: None,
        };
        control.publish_if_down(server)?;
        Ok(control)
    }

    /// The value of the program's `REDISLINGS_CONTROL`.
    pub(super) fn address(&self) -> &Path {
        self.requests.path()
    }

    /// Does what the program has asked for since the last call, until it `is_over`.
    pub(super) fn serve(
        &mut self,
        fixture: &mut Fixture<'_>,
        deadline: Instant,
        is_over: &dyn Fn() -> bool,
    ) {
        if self.failed.is_some() {
            return;
        }
        let done = self.serve_all(fixture, deadline, is_over);
        self.failed = done.err();
    }

    /// The course may start a server that the program leaves stopped: with the program's files.
    pub(super) fn finish(mut self, server: &mut Server) -> Result<(), EnvironmentError> {
        match self.failed.take() {
            Some(error) => Err(error),
            None if server.is_down() => self.take_back(server),
            None => Ok(()),
        }
    }

    fn serve_all(
        &mut self,
        fixture: &mut Fixture<'_>,
        deadline: Instant,
        is_over: &dyn Fn() -> bool,
    ) -> Result<(), EnvironmentError> {
        // The program may end its server by SHUTDOWN too.
        if self.looked.elapsed() > LOOK_PAUSE {
            self.publish_if_down(fixture.server)?;
            self.looked = Instant::now();
        }
        for path in requests_in(self.requests.path()) {
            let request = fs::read_to_string(&path).unwrap_or_default();
            let _ = fs::remove_file(&path);
            let done = self.perform(fixture, &request, deadline)?;
            answer(&path, &done, is_over);
        }
        Ok(())
    }

    fn perform(
        &mut self,
        fixture: &mut Fixture<'_>,
        request: &str,
        deadline: Instant,
    ) -> Result<Result<String, String>, EnvironmentError> {
        let request: Vec<&str> = request.lines().collect();
        let line = format!("@{}", words::join(&request));
        let asked = match runner_line::read(&line, Place::WhereTheServerStops) {
            Ok(asked @ (RunnerLine::Stop | RunnerLine::Start(_))) => asked,
            Ok(_) => return Ok(Err(USAGE.to_owned())),
            Err((message, help)) => {
                let help = help.map(|help| format!("; {help}")).unwrap_or_default();
                return Ok(Err(format!("{message}{help}").replace("`@", "`server ")));
            }
        };
        let starts = matches!(asked, RunnerLine::Start(_)) && fixture.server.is_down();
        if starts {
            self.take_back(fixture.server)?;
        }
        let limit = deadline.saturating_duration_since(Instant::now());
        let done = perform_for_an_answer(fixture, &asked, self.settings, limit)?;
        if starts && done.is_ok() {
            self.withdraw();
        }
        self.publish_if_down(fixture.server)?;
        Ok(done)
    }

    /// Puts the files of a server that does not run where the program finds them.
    fn publish_if_down(&mut self, server: &mut Server) -> Result<(), EnvironmentError> {
        if self.is_published || !server.is_down() {
            return Ok(());
        }
        // What is left of it ends first, and the snapshot file is in its place.
        server.kill()?;
        // The program may have a folder of that name.
        self.withdraw();
        let published = if let Some(directory) = server.directory() {
            std::os::unix::fs::symlink(directory, &self.data)
        } else {
            self.published = all_files(server)?;
            copy_out(&self.published, &self.data)
        };
        published.map_err(|error| failed(&self.data, &error))?;
        self.is_published = true;
        Ok(())
    }

    /// Gives the server's directory what the program has made of the files. A server that is a
    /// process has them already.
    fn take_back(&mut self, server: &mut Server) -> Result<(), EnvironmentError> {
        if !self.is_published || server.directory().is_some() {
            return Ok(());
        }
        let files = files_in(&self.data);
        for ServerFile { name, .. } in &self.published {
            if !files.contains(name) {
                server.remove_file(name)?;
            }
        }
        for name in files {
            let path = self.data.join(name.as_str());
            let content = fs::read(&path).map_err(|error| failed(&path, &error))?;
            let was = self.published.iter().find(|file| file.name == name);
            if was.is_none_or(|was| was.content != content) {
                server.put_file(&name, &content)?;
            }
        }
        // A start may fail, and the program try again.
        self.published = all_files(server)?;
        Ok(())
    }

    /// Takes the files away: they belong to a server that runs.
    fn withdraw(&mut self) {
        self.is_published = false;
        let is_folder = fs::symlink_metadata(&self.data).is_ok_and(|data| data.is_dir());
        let _ =
            if is_folder { fs::remove_dir_all(&self.data) } else { fs::remove_file(&self.data) };
    }
}

const USAGE: &str = "use `server stop` or `server start [NAME VALUE]`";

fn failed(path: &Path, error: &io::Error) -> EnvironmentError {
    let fact = format!("cannot give the answer its server's files: `{}`: {error}", path.shown());
    EnvironmentError::new(fact, "try again")
}

fn all_files(server: &Server) -> Result<Vec<ServerFile>, EnvironmentError> {
    let mut files = Vec::new();
    for name in server.files()? {
        if let Some(content) = server.file(&name)? {
            files.push(ServerFile { name, content });
        }
    }
    Ok(files)
}

fn copy_out(files: &[ServerFile], data: &Path) -> io::Result<()> {
    // The program may look at any time: the folder is complete when it is there.
    let new = data.with_extension("new");
    fs::create_dir(&new)?;
    for ServerFile { name, content } in files {
        if let Some(folder) = name.folder() {
            fs::create_dir_all(new.join(folder))?;
        }
        fs::write(new.join(name.as_str()), content)?;
    }
    fs::rename(&new, data)
}

/// The regular files of a folder and of the folders in it.
fn files_in(data: &Path) -> Vec<FileName> {
    let mut names = Vec::new();
    for entry in fs::read_dir(data).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            let inner = fs::read_dir(entry.path()).into_iter().flatten().flatten();
            names.extend(
                inner
                    .filter(|inner| inner.path().is_file())
                    .map(|inner| format!("{name}/{}", inner.file_name().to_string_lossy())),
            );
        } else if entry.path().is_file() {
            names.push(name);
        }
    }
    names.iter().filter_map(|name| FileName::parse(name).ok()).collect()
}

/// The requests that wait, oldest name first.
fn requests_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut requests: Vec<PathBuf> = paths.filter(|path| is_request(path)).collect();
    requests.sort();
    requests
}

fn is_request(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.strip_prefix(REQUEST).is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Writes the reply, unless nobody waits for it any more: the exit status, and the words for its standard error.
fn answer(request: &Path, done: &Result<String, String>, is_over: &dyn Fn() -> bool) {
    let name = request.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let pipe = request.with_file_name(name.replace(REQUEST, "reply-"));
    let text = match done {
        Ok(_) => "0\n".to_owned(),
        Err(why) => format!("1\n{why}\n"),
    };
    let deadline = Instant::now() + REPLY_LIMIT;
    // Without a reader it cannot be opened: the program may not listen yet, or was ended.
    while Instant::now() < deadline && !is_over() {
        let opened = OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(&pipe);
        if let Ok(mut pipe) = opened {
            let _ = pipe.write_all(text.as_bytes());
            return;
        }
        std::thread::park_timeout(POLL);
    }
}
