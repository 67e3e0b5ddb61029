//! Each test is a machine with a home of its own, some variables and some sockets that answer.

use super::*;

struct TestMachine {
    home: tempfile::TempDir,
    variables: Vec<(&'static str, String)>,
}

/// Only sockets in a home answer, and they are plain files.
fn connect(socket: &Path) -> io::Result<()> {
    let is_in_a_home = socket.starts_with(std::env::temp_dir());
    match std::fs::read_to_string(socket) {
        Ok(text) if is_in_a_home && text.is_empty() => Ok(()),
        Ok(_) if is_in_a_home => Err(io::ErrorKind::ConnectionRefused.into()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

impl TestMachine {
    fn new(variables: &[(&'static str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned()));
        Self { home: tempfile::tempdir().unwrap(), variables: variables.collect() }
    }

    fn with(self, path: &str, text: &str) -> Self {
        let file = self.home.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
        self
    }

    /// With a context at that address, which is not the current one.
    fn with_context(self, name: &str, host: &str) -> Self {
        let meta =
            format!("{{\"Name\":\"{name}\",\"Endpoints\":{{\"docker\":{{\"Host\":\"{host}\"}}}}}}");
        let path = format!(".docker/contexts/meta/{:x}/meta.json", Sha256::digest(name));
        self.with(&path, &meta)
    }

    fn with_current_context(self, name: &str) -> Self {
        self.with(".docker/config.json", &format!("{{\"currentContext\":\"{name}\"}}"))
    }

    fn find(&self) -> Result<EngineAddress, String> {
        let variable = |name: &str| {
            let mut variables = self.variables.iter();
            variables.find(|(other, _)| *other == name).map(|(_, value)| value.clone())
        };
        let home = self.home.path().to_owned();
        Machine { variable: &variable, home, user: 41_001, connect }.find()
    }

    /// The address and where it comes from, with `~` for the home.
    fn shown(&self) -> String {
        let shown = self.find().map_or_else(|why| why, |address| address.shown());
        shown.replace(self.home.path().to_str().unwrap(), "~")
    }
}

const AWAY: &str = "unix:///away/docker.sock";

#[test]
fn the_current_context_names_the_engine() {
    let machine = TestMachine::new(&[]).with_context("away", AWAY).with_current_context("away");
    assert_eq!(machine.shown(), format!("`{AWAY}` (the Docker context `away`)"));
}

#[test]
fn a_context_may_be_chosen_by_a_variable() {
    let machine = TestMachine::new(&[("DOCKER_CONTEXT", "away")])
        .with_context("away", AWAY)
        .with_current_context("other");
    assert_eq!(machine.shown(), format!("`{AWAY}` (the Docker context `away`)"));
}

#[test]
fn docker_host_takes_precedence_over_a_context() {
    let variables = [("DOCKER_HOST", "tcp://docker:2375"), ("DOCKER_CONTEXT", "away")];
    let machine = TestMachine::new(&variables).with_context("away", AWAY);
    assert_eq!(machine.shown(), "`tcp://docker:2375` (DOCKER_HOST)");
}

#[test]
fn docker_host_is_read_as_the_docker_command_reads_it() {
    for (docker_host, host) in [
        ("localhost:2375", "tcp://localhost:2375"),
        (" tcp://docker/ ", "tcp://docker:2375"),
        ("unix:///a b/docker.sock", "unix:///a b/docker.sock"),
    ] {
        let machine = TestMachine::new(&[("DOCKER_HOST", docker_host)]);
        assert_eq!(machine.find().unwrap().host, host);
    }
}

#[test]
fn the_configuration_may_be_in_another_folder() {
    let machine = TestMachine::new(&[]).with_context("away", AWAY).with_current_context("away");
    let folder = machine.home.path().join(".docker").to_str().unwrap().to_owned();
    let elsewhere = TestMachine::new(&[("DOCKER_CONFIG", &folder)]);
    assert_eq!(elsewhere.find(), machine.find());
}

#[test]
fn the_context_default_is_no_context() {
    let machine = TestMachine::new(&[("DOCKER_CONTEXT", "default")])
        .with_current_context("away")
        .with(".docker/run/docker.sock", "");
    assert_eq!(machine.shown(), "`unix://~/.docker/run/docker.sock`");
}

#[test]
fn a_context_that_does_not_exist_is_named() {
    let machine = TestMachine::new(&[]).with_current_context("gone");
    assert_eq!(
        machine.shown(),
        "the Docker context `gone`, chosen by `docker context use`, does not exist: see `docker \
         context ls`"
    );
}

#[test]
fn a_context_with_certificates_requires_tls() {
    let certificates = format!(".docker/contexts/tls/{:x}/docker/ca.pem", Sha256::digest("away"));
    let machine = TestMachine::new(&[("DOCKER_CONTEXT", "away")])
        .with_context("away", "tcp://10.0.0.7:2376")
        .with(&certificates, "");
    assert!(machine.find().unwrap().requires_tls);
}

#[test]
fn testcontainers_properties_are_heeded_in_testcontainers_order() {
    const FILE: &str = ".testcontainers.properties";
    let property = |text: &str| TestMachine::new(&[]).with(FILE, text).shown();
    let shown = "`tcp://a:1` (`docker.host` in `~/.testcontainers.properties`)";
    assert_eq!(property("docker.host = tcp\\://a\\:1\nother.key=x\n"), shown);
    let machine = TestMachine::new(&[("DOCKER_HOST", "tcp://b:2")]);
    let machine = machine.with(FILE, "docker.host=tcp://a:1\n");
    assert_eq!(machine.shown(), "`tcp://b:2` (DOCKER_HOST)");
    let machine = machine.with(FILE, "tc.host=tcp://c:3\n");
    assert_eq!(machine.shown(), "`tcp://c:3` (`tc.host` in `~/.testcontainers.properties`)");
}

#[test]
fn other_engines_are_found_at_their_usual_places() {
    for socket in [
        ".docker/run/docker.sock",
        ".docker/desktop/docker.sock",
        ".orbstack/run/docker.sock",
        ".colima/default/docker.sock",
        ".config/colima/default/docker.sock",
        ".rd/docker.sock",
        ".local/share/containers/podman/machine/podman.sock",
    ] {
        let machine = TestMachine::new(&[]).with(socket, "");
        assert_eq!(machine.shown(), format!("`unix://~/{socket}`"));
    }
}

#[test]
fn rootless_engines_are_found_in_the_runtime_folder() {
    for socket in ["docker.sock", "podman/podman.sock"] {
        let runtime = tempfile::tempdir().unwrap();
        let path = runtime.path().join(socket);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "").unwrap();
        let machine = TestMachine::new(&[("XDG_RUNTIME_DIR", runtime.path().to_str().unwrap())]);
        assert_eq!(machine.find().unwrap().host, unix(&path));
    }
}

#[test]
fn a_socket_that_nobody_listens_at_is_passed_over() {
    let machine = TestMachine::new(&[])
        .with(".docker/run/docker.sock", "stale")
        .with(".orbstack/run/docker.sock", "");
    assert_eq!(machine.shown(), "`unix://~/.orbstack/run/docker.sock`");
}

#[test]
fn where_no_engine_is_the_places_are_named() {
    let shown = TestMachine::new(&[]).with(".rd/docker.sock", "stale").shown();
    let start = "DOCKER_HOST and the Docker context name none; nothing answers at \
                 `~/.rd/docker.sock` (connection refused); no socket is at /var/run/docker.sock, ";
    assert!(shown.starts_with(start), "{shown}");
    assert!(shown.contains("~/.colima/default/docker.sock"), "{shown}");
}

#[test]
fn what_was_handed_over_keeps_its_origin() {
    let handed_over = format!("{AWAY}\nthe Docker context `away`");
    let variables = [("DOCKER_HOST", AWAY), (HANDED_OVER, handed_over.as_str())];
    let shown = format!("`{AWAY}` (the Docker context `away`)");
    assert_eq!(TestMachine::new(&variables).shown(), shown);
    let changed = [("DOCKER_HOST", "tcp://b:2"), variables[1]];
    assert_eq!(TestMachine::new(&changed).shown(), "`tcp://b:2` (DOCKER_HOST)");
}
