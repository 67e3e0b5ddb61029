//! Where the engine is looked for. A socket that answers a little of the engine's interface stands
//! for the engine.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

use sha2::{Digest as _, Sha256};

use crate::support::{Ended, Workspace};

/// An engine of this version without an image, from which none can be pulled.
const VERSION: &str = "41.0.1";

struct Engine {
    workspace: Workspace,
    socket: PathBuf,
    /// The requests' lines and headers.
    heard: Arc<Mutex<Vec<String>>>,
}

impl Engine {
    /// At this path in the home.
    fn at(socket: &str) -> Self {
        let workspace = Workspace::new();
        let socket = home(&workspace).join(socket);
        std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(&socket).unwrap();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let hears = Arc::clone(&heard);
        let serve = move || {
            for stream in listener.incoming().flatten() {
                let hears = Arc::clone(&hears);
                Builder::new().spawn(move || answer(&stream, &hears)).unwrap();
            }
        };
        Builder::new().spawn(serve).unwrap();
        Self { workspace, socket, heard }
    }

    fn with_file(self, path: &str, text: &str) -> Self {
        let file = home(&self.workspace).join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
        self
    }

    /// With a context `away` that names the engine, as `docker context create` makes it.
    fn with_context(self) -> Self {
        let meta = format!(
            "{{\"Name\":\"away\",\"Metadata\":{{}},\"Endpoints\":{{\"docker\":{{\"Host\":\"{}\",\
             \"SkipTLSVerify\":false}}}}}}",
            self.host()
        );
        let path = format!(".docker/contexts/meta/{:x}/meta.json", Sha256::digest("away"));
        self.with_file(&path, &meta)
    }

    fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.workspace.command(arguments);
        command.stdin(Stdio::null());
        command.env_remove("DOCKER_HOST").env_remove("DOCKER_CONTEXT").env_remove("DOCKER_CONFIG");
        command
    }

    /// What `doctor` says of the engine.
    fn doctor(&self, variables: &[(&str, &str)]) -> String {
        let mut command = self.command(&["doctor"]);
        let ended = Ended::from(command.envs(variables.iter().copied()).output().unwrap());
        ended.stdout.lines().next().unwrap().to_owned()
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn home(workspace: &Workspace) -> PathBuf {
    workspace.work().parent().unwrap().join("home")
}

fn answer(stream: &UnixStream, heard: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(request)) = lines.next() {
        let head: Vec<String> =
            lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(request.clone());
        heard.extend(head);
        drop(heard);
        let (status, body) = if request.contains("/version") {
            ("200 OK", format!("{{\"Version\":\"{VERSION}\",\"ApiVersion\":\"1.41\"}}"))
        } else {
            ("404 Not Found", "{\"message\":\"there is none\"}".to_owned())
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n");
        let mut stream = stream;
        if write!(stream, "{head}Content-Length: {length}\r\n\r\n{body}").is_err() {
            return;
        }
    }
}

#[track_caller]
fn assert_found(found: &str, at: &str) {
    let expected = format!("running, version {VERSION}, at {at}");
    assert!(found.contains(&expected), "{expected}\nis not in\n{found}");
}

#[test]
fn the_engine_of_the_current_docker_context_is_used() {
    let engine = Engine::at("away/docker.sock")
        .with_context()
        .with_file(".docker/config.json", "{\"currentContext\":\"away\"}");
    let at = format!("`{}` (the Docker context `away`)", engine.host());
    assert_found(&engine.doctor(&[]), &at);
    assert_found(&engine.doctor(&[("DOCKER_HOST", "")]), &at);
}

#[test]
fn docker_context_chooses_a_context() {
    let engine = Engine::at("away/docker.sock").with_context();
    let at = format!("`{}` (the Docker context `away`)", engine.host());
    assert_found(&engine.doctor(&[("DOCKER_CONTEXT", "away")]), &at);
}

#[test]
fn testcontainers_properties_name_an_engine() {
    let engine = Engine::at("away/docker.sock");
    let text = format!("docker.host={}\n", engine.host());
    let engine = engine.with_file(".testcontainers.properties", &text);
    let at = format!("`{}` (`docker.host` in `~/.testcontainers.properties`)", engine.host());
    assert_found(&engine.doctor(&[]), &at);
}

#[test]
fn a_context_without_an_engine_is_named_with_its_address() {
    let engine = Engine::at("away/docker.sock")
        .with_context()
        .with_file(".docker/config.json", "{\"currentContext\":\"away\"}");
    std::fs::remove_file(&engine.socket).unwrap();
    let found = engine.doctor(&[]);
    let says = format!("the engine at `{}` (the Docker context `away`) does not", engine.host());
    assert!(found.contains(&says), "{found}");
}

#[test]
fn an_empty_docker_host_is_as_if_unset() {
    let engine = Engine::at("away/docker.sock");
    assert_eq!(engine.doctor(&[("DOCKER_HOST", "")]), engine.doctor(&[]));
}

#[test]
fn an_answer_does_not_see_what_the_program_was_handed() {
    let engine = Engine::at("away/docker.sock").with_context();
    let answer =
        "import os\nprint(os.environ.get('DOCKER_HOST'), 'REDISLINGS_ENGINE' in os.environ)";
    let path = engine.workspace.file("a.py", answer);
    let mut command =
        engine.command(&["check", "creating-snapshots", path.to_str().unwrap(), "--verbose"]);
    let ended = Ended::from(command.env("DOCKER_CONTEXT", "away").output().unwrap());
    assert!(ended.stdout.contains("None False"), "{ended:?}");
}

/// The credentials with which an image is asked for, as JSON; empty if there are none.
fn sent(engine: &Engine, image: &str, path: Option<&Path>) -> String {
    let host = engine.host();
    let mut command = engine.command(&["verify", "--server", "container", "--image", image]);
    command.env("DOCKER_HOST", host);
    if let Some(path) = path {
        let all = format!("{}:{}", path.display(), std::env::var("PATH").unwrap());
        command.env("PATH", all);
    }
    let ended = Ended::from(command.output().unwrap());
    assert_eq!(ended.code, 3, "{ended:?}");
    let heard = engine.heard();
    let pull = heard.iter().position(|line| line.contains("/images/create")).unwrap();
    let mut headers = heard[pull..].iter().filter_map(|line| line.split_once(": "));
    let credentials = headers.find(|(name, _)| name.eq_ignore_ascii_case("X-Registry-Auth"));
    credentials.map_or_else(String::new, |(_, value)| decoded(value))
}

fn decoded(base64: &str) -> String {
    let script = "import base64, sys; t = sys.stdin.read().strip(); \
                  sys.stdout.write(base64.urlsafe_b64decode(t + '=' * (-len(t) % 4)).decode())";
    let mut python = Command::new("python3");
    let mut child =
        python.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(base64.as_bytes()).unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    child.wait().unwrap();
    text
}

#[test]
fn a_pull_sends_what_docker_login_left() {
    // `student:secret`.
    let config = "{\"auths\":{\"registry.example:5000\":{\"auth\":\"c3R1ZGVudDpzZWNyZXQ=\"}}}";
    let engine = Engine::at("docker.sock").with_file(".docker/config.json", config);
    let sent = sent(&engine, "registry.example:5000/course/redis:7", None);
    assert!(sent.contains("\"username\":\"student\""), "{sent}");
    assert!(sent.contains("\"password\":\"secret\""), "{sent}");
}

#[test]
fn a_pull_asks_the_credential_helper_of_the_registry() {
    let config = "{\"credHelpers\":{\"registry.example\":\"test\"}}";
    let engine = Engine::at("docker.sock").with_file(".docker/config.json", config);
    let helper = engine.workspace.file(
        "bin/docker-credential-test",
        "#!/bin/sh\nread -r server\nprintf '{\"Username\":\"%s\",\"Secret\":\"s\"}' \"$server\"\n",
    );
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&helper, mode).unwrap();
    let sent = sent(&engine, "registry.example/redis:7", helper.parent());
    assert!(sent.contains("\"username\":\"registry.example\""), "{sent}");
}

#[test]
fn a_pull_without_a_login_sends_no_name() {
    let engine = Engine::at("docker.sock");
    let sent = sent(&engine, "registry.example/redis:7", None);
    assert_eq!(sent, "");
}
