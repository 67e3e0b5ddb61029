//! A server as a process of this machine, in a private directory, on 127.0.0.1 only.

use std::fs::{File, Metadata, Permissions};
use std::io;
use std::mem::ManuallyDrop;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::libc::SIGKILL;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::configuration::Configuration;
use super::options::Options;
use super::{DUMP_FILE, Ended, FileName, ServerFile, ServerHost, log};
use crate::cleanup::{self, PassingDirectory, ProcessGroup};
use crate::error::EnvironmentError;
use crate::sanitize::ShownPath as _;
use crate::{cache, disk, private};

/// A busy machine was seen to start no process for 64 s.
const START_DEADLINE: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(2);
/// On a full disk a server runs, but its log stays empty.
const LOOK_AT_DISK: Duration = Duration::from_millis(300);
/// Another program may take a free port before our server does.
const PORT_TRIES: usize = 5;

const FIXED: [(&str, &str); 3] = [("bind", "127.0.0.1"), ("daemonize", "no"), ("logfile", "")];

/// A running (or killed) server process.
#[derive(Debug)]
pub(super) struct Process {
    program: PathBuf,
    configuration: Configuration,
    /// Beside it are the configuration and the logs.
    directory: PathBuf,
    /// Contains all of these files; removed when this is dropped.
    _parent: PassingDirectory,
    start: Start,
}

/// One start of the server.
#[derive(Debug)]
struct Start {
    group: ProcessGroup,
    child: Child,
    port: u16,
    /// Begun anew at each start: an old `Ready` line must not be taken for a new one.
    log: PathBuf,
}

impl Process {
    /// Starts `program` with these files, and waits until its log says that
    /// it is ready.
    pub(super) fn start(
        program: &Path,
        options: &Options,
        files: &[ServerFile],
    ) -> Result<Self, EnvironmentError> {
        let failed =
            |error: io::Error| or_a_full_disk(not_started(program, &error.to_string(), ""));
        let parent = PassingDirectory::new("server")?;
        let directory = parent.path().join("data");
        std::fs::create_dir(&directory).map_err(failed)?;
        for file in files {
            write_file(&directory, file).map_err(failed)?;
        }
        let mut configuration = Configuration::default();
        private::write(&file_of(&directory), configuration.next("", options, &FIXED))
            .map_err(failed)?;
        let start = launch(program, &directory).map_err(or_a_full_disk)?;
        let program = program.to_owned();
        Ok(Self { program, configuration, directory, _parent: parent, start })
    }

    /// The snapshot file while saves are refused; beside the directory, so that nobody finds it.
    fn hidden_dump(&self) -> PathBuf {
        self.directory.with_extension("dump")
    }

    /// The snapshot file, wherever it is now.
    fn dump_file(&self) -> PathBuf {
        let hidden = self.hidden_dump();
        if hidden.is_file() { hidden } else { self.directory.join(DUMP_FILE) }
    }

    /// Moves the files to their own directory beside our private one.
    fn detach(self) -> io::Result<String> {
        let parent = tempfile::Builder::new()
            .prefix("redislings-kept-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(disk::temporary_folder())?;
        std::fs::rename(&self.directory, parent.path().join("data"))?;
        let _ = std::fs::rename(&self.start.log, parent.path().join("server.log"));
        // We no longer end the server or remove its files.
        let kept = ManuallyDrop::new(self);
        kept.start.group.forget();
        Ok(format!("kill {}; rm -r {}", kept.start.child.id(), parent.keep().shown()))
    }
}

impl ServerHost for Process {
    fn address(&self) -> (&str, u16) {
        ("127.0.0.1", self.start.port)
    }

    /// In a crash of the machine the child of a BGSAVE dies too; a child that survives would still
    /// finish `dump.rdb`.
    fn kill(&mut self) -> Result<(), EnvironmentError> {
        let Start { group, child, .. } = &mut self.start;
        group.kill();
        let _ = child.wait();
        let deadline = Instant::now() + Duration::from_secs(1);
        while group.runs() && Instant::now() < deadline {
            std::thread::park_timeout(POLL);
        }
        Ok(())
    }

    fn restart(&mut self, options: &Options) -> Result<(), EnvironmentError> {
        let file = file_of(&self.directory);
        let now = read(&file);
        private::write(&file, self.configuration.next(&now, options, &FIXED))
            .map_err(changed_disk)?;
        self.start = launch(&self.program, &self.directory).map_err(or_a_full_disk)?;
        Ok(())
    }

    fn terminate(&mut self) -> Result<(), EnvironmentError> {
        let server = i32::try_from(self.start.child.id()).unwrap_or(0);
        if self.ended().is_none() && server > 0 {
            let _ = kill(Pid::from_raw(server), Signal::SIGTERM);
        }
        Ok(())
    }

    fn files(&self) -> Result<Vec<String>, EnvironmentError> {
        files_in(&self.directory, "").map_err(changed_disk)
    }

    fn file(&self, name: &FileName) -> Result<Option<Vec<u8>>, EnvironmentError> {
        let path = self.directory.join(name.as_str());
        // A link is not the file to which it leads: that one may be replaced.
        if path.is_file() && !path.is_symlink() {
            std::fs::read(path).map(Some).map_err(changed_disk)
        } else {
            Ok(None)
        }
    }

    fn put_file(&mut self, name: &FileName, content: &[u8]) -> Result<(), EnvironmentError> {
        let file = ServerFile { name: name.clone(), content: content.to_owned() };
        write_file(&self.directory, &file).map_err(changed_disk)
    }

    fn remove_file(&mut self, name: &FileName) -> Result<(), EnvironmentError> {
        let path = self.directory.join(name.as_str());
        if path.is_file() { std::fs::remove_file(path).map_err(changed_disk) } else { Ok(()) }
    }

    fn ended(&mut self) -> Option<Ended> {
        let status = self.start.child.try_wait().ok().flatten()?;
        Some(Ended { what: describe(status), killed: status.signal() == Some(SIGKILL) })
    }

    fn log(&self) -> Option<String> {
        Some(read(&self.start.log))
    }

    fn dump_bytes(&self) -> Result<Option<u64>, EnvironmentError> {
        let file = std::fs::metadata(self.dump_file());
        Ok(file.ok().filter(Metadata::is_file).map(|file| file.len()))
    }

    fn dump(&self) -> Result<Option<Vec<u8>>, EnvironmentError> {
        if self.dump_bytes()?.is_none() {
            return Ok(None);
        }
        let path = self.dump_file();
        std::fs::read(&path).map(Some).map_err(|error| {
            EnvironmentError::new(format!("cannot read `{}`: {error}", path.shown()), "try again")
        })
    }

    fn refuse_saves(&mut self) -> Result<(), EnvironmentError> {
        let file = self.directory.join(DUMP_FILE);
        if file.is_file() {
            std::fs::rename(&file, self.hidden_dump()).map_err(changed_disk)?;
        }
        if file.is_dir() { Ok(()) } else { std::fs::create_dir(&file).map_err(changed_disk) }
    }

    fn allow_saves(&mut self) -> Result<(), EnvironmentError> {
        let (file, hidden) = (self.directory.join(DUMP_FILE), self.hidden_dump());
        if file.is_dir() {
            std::fs::remove_dir(&file).map_err(changed_disk)?;
        }
        if hidden.is_file() {
            std::fs::rename(&hidden, &file).map_err(changed_disk)
        } else {
            Ok(())
        }
    }

    fn check_room(&self) -> Result<(), EnvironmentError> {
        cleanup::check_room()
    }

    fn keep(self: Box<Self>) -> Result<String, EnvironmentError> {
        self.detach().map_err(|error| {
            EnvironmentError::new(format!("the server can't be kept: {error}"), "free some space")
        })
    }

    fn directory(&self) -> Option<&Path> {
        Some(&self.directory)
    }

    fn is_stopped(&self) -> bool {
        self.start.group.leader_is_stopped()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// The configuration file of a server with this directory.
fn file_of(directory: &Path) -> PathBuf {
    directory.with_extension("conf")
}

fn launch(program: &Path, directory: &Path) -> Result<Start, EnvironmentError> {
    let mut log = String::new();
    for _ in 0..PORT_TRIES {
        let mut start = spawn(program, directory)?;
        let Err(why) = wait_until_ready(&mut start) else { return Ok(start) };
        log = read(&start.log);
        if !log.contains("Address already in use") && !log.contains("Failed listening on port") {
            return Err(not_started(program, &why, &log));
        }
    }
    Err(not_started(program, "it found no free port", &log))
}

fn spawn(program: &Path, directory: &Path) -> Result<Start, EnvironmentError> {
    cache::ensure_intact(program)?;
    try_to_spawn(program, directory).map_err(|error| not_started(program, &error.to_string(), ""))
}

fn try_to_spawn(program: &Path, directory: &Path) -> io::Result<Start> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let log = directory.with_extension(format!("{port}.log"));
    let output = File::create(&log)?;
    let errors = output.try_clone()?;
    let mut command = Command::new(program);
    let file = std::path::absolute(file_of(directory))?;
    command.arg(file).args(["--port", &port.to_string()]).current_dir(directory);
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    let (group, child) = ProcessGroup::spawn(&mut command)?;
    Ok(Start { group, child, port, log })
}

/// Reads the log of our own child instead of connecting: another server might answer at the port.
fn wait_until_ready(start: &mut Start) -> Result<(), String> {
    let deadline = Instant::now() + START_DEADLINE;
    let mut looked_at_disk = Instant::now();
    loop {
        let ended = start.child.try_wait().ok().flatten();
        if let Some(status) = ended {
            return Err(describe(status));
        }
        if read(&start.log).contains("eady to accept connections") {
            return Ok(());
        }
        if looked_at_disk.elapsed() > LOOK_AT_DISK {
            cleanup::check_room().map_err(|full| full.fact)?;
            looked_at_disk = Instant::now();
        }
        if Instant::now() > deadline {
            return Err(format!("it was not ready within {} s", START_DEADLINE.as_secs()));
        }
        std::thread::park_timeout(POLL);
    }
}

fn not_started(program: &Path, why: &str, log: &str) -> EnvironmentError {
    let fact = format!("`{}` did not start: {}", program.shown(), log::reason(why, log));
    EnvironmentError::new(fact, log::with_tail(log, "try another server: see `redislings doctor`"))
}

fn write_file(directory: &Path, file: &ServerFile) -> io::Result<()> {
    if let Some(folder) = file.name.folder() {
        std::fs::create_dir_all(directory.join(folder))?;
    }
    std::fs::write(directory.join(file.name.as_str()), &file.content)
}

/// The files of a directory, and those of the folders in it, with the folder's name.
fn files_in(directory: &Path, folder: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory.join(folder))?.flatten() {
        let name = format!("{folder}{}", entry.file_name().to_string_lossy());
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        match is_folder {
            true if folder.is_empty() => names.extend(files_in(directory, &format!("{name}/"))?),
            true => {}
            false => names.push(name),
        }
    }
    Ok(names)
}

fn changed_disk(error: io::Error) -> EnvironmentError {
    let fact = format!("cannot change the server's files: {error}");
    or_a_full_disk(EnvironmentError::new(fact, "try again"))
}

/// Replaces an error by that of a full disk, whose symptoms may be any other error.
fn or_a_full_disk(error: EnvironmentError) -> EnvironmentError {
    cleanup::check_room().err().unwrap_or(error)
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with exit status {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}
