//! A server as a process of this machine, in a private directory, on 127.0.0.1 only.

use std::fs::{File, Permissions};
use std::mem::ManuallyDrop;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use super::options::{FROM_STDIN, Options};
use super::{DUMP_FILE, Ended, log};
use crate::cache;
use crate::cleanup::{self, PassingDirectory, ProcessGroup};
use crate::disk;
use crate::error::EnvironmentError;
use crate::private;
use crate::sanitize::ShownPath as _;

/// A busy machine was seen to start no process for 64 s.
const START_DEADLINE: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(2);
/// On a full disk a server runs, but its log stays empty.
const LOOK_AT_DISK: Duration = Duration::from_millis(300);
/// Another program may take a free port before our server does.
const PORT_TRIES: usize = 5;

/// A running (or killed) server process.
#[derive(Debug)]
pub struct Process {
    program: PathBuf,
    /// The file that it reads as standard input.
    configuration: PathBuf,
    directory: PathBuf,
    /// Each start has its own log, beside the directory: an old `Ready` line must not be taken for
    /// a new one.
    log: PathBuf,
    /// Contains all of these files; removed when this is dropped.
    _parent: PassingDirectory,
    starts: usize,
    port: u16,
    group: ProcessGroup,
    child: Child,
}

impl Process {
    /// Starts `program`, with this snapshot file if there is one, and waits until its log says that
    /// it is ready.
    pub(super) fn start(
        program: &Path,
        options: Options<'_>,
        dump: Option<&[u8]>,
    ) -> Result<Self, EnvironmentError> {
        let failed =
            |error: std::io::Error| or_a_full_disk(not_started(program, &error.to_string(), ""));
        let parent = PassingDirectory::new("server")?;
        let directory = parent.path().join("data");
        std::fs::create_dir(&directory).map_err(failed)?;
        if let Some(dump) = dump {
            std::fs::write(directory.join(DUMP_FILE), dump).map_err(failed)?;
        }
        let fixed = [("bind", "127.0.0.1"), ("daemonize", "no"), ("logfile", "")];
        let configuration = directory.with_extension("conf");
        private::write(&configuration, options.configuration(&fixed)).map_err(failed)?;
        let launched = launch(program, &configuration, &directory, 0).map_err(or_a_full_disk)?;
        Ok(Self {
            program: program.to_owned(),
            configuration,
            directory,
            log: launched.log,
            _parent: parent,
            starts: 1,
            port: launched.port,
            group: launched.group,
            child: launched.child,
        })
    }

    /// The port on 127.0.0.1; another one after [`Self::restart`].
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sends SIGKILL to the server and to the child of a running BGSAVE. In a crash of the machine
    /// both die; a child that survives would still finish `dump.rdb`.
    pub fn kill(&mut self) {
        self.group.kill();
        let _ = self.child.wait();
        let deadline = Instant::now() + Duration::from_secs(1);
        while self.group.runs() && Instant::now() < deadline {
            std::thread::park_timeout(POLL);
        }
    }

    /// Starts the killed server again in the same directory.
    pub fn restart(&mut self) -> Result<(), EnvironmentError> {
        let launched = launch(&self.program, &self.configuration, &self.directory, self.starts)
            .map_err(or_a_full_disk)?;
        self.starts += 1;
        self.log = launched.log;
        self.port = launched.port;
        self.group = launched.group;
        self.child = launched.child;
        Ok(())
    }

    /// Lets the server outlive us, and moves its files to their own directory beside our private
    /// one. Returns the command that ends the server and removes the files.
    pub(super) fn keep(self) -> std::io::Result<String> {
        let parent = tempfile::Builder::new()
            .prefix("redislings-kept-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(disk::temporary_folder())?;
        let directory = parent.path().join("data");
        std::fs::rename(&self.directory, &directory)?;
        let _ = std::fs::rename(&self.log, parent.path().join("server.log"));
        // We no longer end the server or remove its files.
        let kept = ManuallyDrop::new(self);
        kept.group.forget();
        Ok(format!("kill {}; rm -r {}", kept.child.id(), parent.keep().shown()))
    }

    /// How the server ended; `None` while it runs.
    pub fn ended(&mut self) -> Option<Ended> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(Ended { what: describe(status), killed: is_killed(status) })
    }

    /// Whether a signal has stopped it.
    pub fn is_stopped(&self) -> bool {
        self.group.leader_is_stopped()
    }

    /// The directory in which the server writes its files.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The size of the snapshot file in bytes, if there is one.
    pub fn dump_bytes(&self) -> Option<u64> {
        let file = std::fs::metadata(self.directory.join(DUMP_FILE)).ok()?;
        file.is_file().then_some(file.len())
    }

    /// The content of the snapshot file, if there is one.
    pub fn dump(&self) -> Result<Option<Vec<u8>>, EnvironmentError> {
        if self.dump_bytes().is_none() {
            return Ok(None);
        }
        let path = self.directory.join(DUMP_FILE);
        std::fs::read(&path).map(Some).map_err(|error| {
            EnvironmentError::new(format!("cannot read `{}`: {error}", path.shown()), "try again")
        })
    }

    /// What the server wrote since its last start.
    pub fn log(&self) -> String {
        read(&self.log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

struct Launched {
    group: ProcessGroup,
    child: Child,
    port: u16,
    log: PathBuf,
}

fn launch(
    program: &Path,
    configuration: &Path,
    directory: &Path,
    start: usize,
) -> Result<Launched, EnvironmentError> {
    let mut last_log = String::new();
    for attempt in 0..PORT_TRIES {
        let log = directory.with_extension(format!("{start}-{attempt}.log"));
        let mut launched = spawn(program, configuration, directory, &log)?;
        match wait_until_ready(&mut launched) {
            Ready::Yes => return Ok(launched),
            Ready::PortTaken => last_log = read(&launched.log),
            Ready::No(why) => return Err(not_started(program, &why, &read(&launched.log))),
        }
    }
    Err(not_started(program, "it found no free port", &last_log))
}

fn spawn(
    program: &Path,
    configuration: &Path,
    directory: &Path,
    log: &Path,
) -> Result<Launched, EnvironmentError> {
    cache::ensure_intact(program)?;
    let failed = |error: std::io::Error| not_started(program, &error.to_string(), "");
    let port = free_port().map_err(failed)?;
    let output = File::create(log).map_err(failed)?;
    let errors = output.try_clone().map_err(failed)?;
    let mut command = Command::new(program);
    // It comes first, since Redis 6.2 accepts it only as the first or last argument.
    command.args([FROM_STDIN, "--port", &port.to_string()]).current_dir(directory);
    command.stdin(File::open(configuration).map_err(failed)?).stdout(output).stderr(errors);
    let (group, child) = ProcessGroup::spawn(&mut command).map_err(failed)?;
    Ok(Launched { group, child, port, log: log.to_owned() })
}

enum Ready {
    Yes,
    PortTaken,
    No(String),
}

/// Reads the log of our own child instead of connecting: another server might answer at the port.
fn wait_until_ready(launched: &mut Launched) -> Ready {
    let deadline = Instant::now() + START_DEADLINE;
    let mut looked_at_disk = Instant::now();
    loop {
        let ended = launched.child.try_wait().ok().flatten();
        let log = read(&launched.log);
        if let Some(status) = ended {
            let is_taken =
                log.contains("Address already in use") || log.contains("Failed listening on port");
            return if is_taken { Ready::PortTaken } else { Ready::No(describe(status)) };
        }
        if log.contains("eady to accept connections") {
            return Ready::Yes;
        }
        if looked_at_disk.elapsed() > LOOK_AT_DISK {
            if let Err(full) = cleanup::check_room() {
                return Ready::No(full.fact);
            }
            looked_at_disk = Instant::now();
        }
        if Instant::now() > deadline {
            return Ready::No(format!("it was not ready within {} s", START_DEADLINE.as_secs()));
        }
        std::thread::park_timeout(POLL);
    }
}

fn not_started(program: &Path, why: &str, log: &str) -> EnvironmentError {
    let why = log::dump_or(why, log);
    let help = match log::tail(log, 5) {
        tail if tail.trim().is_empty() => "try another server: see `redislings doctor`".to_owned(),
        tail => format!("its log ends with:\n{tail}\ntry another server: see `redislings doctor`"),
    };
    EnvironmentError::new(format!("`{}` did not start: {why}", program.shown()), help)
}

/// Replaces an error by that of a full disk, whose symptoms may be any other error.
fn or_a_full_disk(error: EnvironmentError) -> EnvironmentError {
    cleanup::check_room().err().unwrap_or(error)
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with exit status {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}

fn is_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(nix::libc::SIGKILL)
}
