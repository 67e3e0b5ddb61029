//! The engine, and the images that it has.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::query_parameters::CreateImageOptionsBuilder;
use testcontainers::core::client::docker_client_instance;

use super::pull;
use super::reach::Reach;
use crate::error::with_sources;
use crate::runtime::block_on;
use crate::telling::Told;

const ENGINE_DEADLINE: Duration = Duration::from_secs(5);
const CALL_DEADLINE: Duration = Duration::from_secs(20);
const SILENT_DEADLINE: Duration = Duration::from_secs(2);

/// Whether the last answer did not come in time.
static IS_SILENT: AtomicBool = AtomicBool::new(false);

/// An image on the engine that has a server in it.
#[derive(Debug, Clone)]
pub struct Image {
    /// As given: `redis:8.10.2`.
    pub reference: String,
    /// What the words of a server's settings are appended to: the image's own entrypoint, which may load
    /// modules and give up root, and its own command, `redis-server` or `valkey-server`.
    pub(super) command: Vec<String>,
    /// Its programs run as this user unless told otherwise; empty: root.
    pub(super) user: String,
}

/// Whether a Docker engine answers; else why not.
pub fn engine_version() -> Result<String, String> {
    Reach::told()?;
    let ask = async {
        let docker = docker_client_instance().await.map_err(|error| with_sources(&error))?;
        let version = docker.version().await.map_err(|error| with_sources(&error))?;
        Ok(version.version.unwrap_or_else(|| "of an unknown version".to_owned()))
    };
    let answer = block_on(async { tokio::time::timeout(ENGINE_DEADLINE, ask).await });
    IS_SILENT.store(answer.is_err(), Ordering::Relaxed);
    answer.unwrap_or_else(|_| {
        Err(format!("the engine did not answer within {} s", ENGINE_DEADLINE.as_secs()))
    })
}

/// The image if the engine has it or can pull it; `telling` is called before a pull and while it goes on.
pub fn find_image(reference: &str, telling: &dyn Fn(Told<'_>)) -> Result<Image, String> {
    let docker = client()?;
    if let Some(image) = local_image(&docker, reference) {
        return Ok(image);
    }
    telling(Told::Line(&format!("pulling the image `{reference}`, once")));
    pull(&docker, reference, telling)?;
    local_image(&docker, reference)
        .ok_or_else(|| format!("the image `{reference}` was pulled but is not there"))
}

/// Whether the engine has the image already.
pub fn has_image(reference: &str) -> bool {
    client().is_ok_and(|docker| local_image(&docker, reference).is_some())
}

pub(super) fn client() -> Result<Docker, String> {
    block_on(docker_client_instance()).map_err(|error| with_sources(&error))
}

fn local_image(docker: &Docker, reference: &str) -> Option<Image> {
    let config = ask(docker.inspect_image(reference)).ok()?.config.unwrap_or_default();
    let is_server = |word: &String| word.ends_with("-server");
    let mut command = config.entrypoint.unwrap_or_default();
    if !command.last().is_some_and(is_server) {
        let program = config.cmd.and_then(|words| words.into_iter().next()).filter(is_server);
        command.push(program.unwrap_or_else(|| "redis-server".to_owned()));
    }
    Some(Image { reference: reference.to_owned(), command, user: config.user.unwrap_or_default() })
}

/// What the engine answers, within a deadline.
pub(super) fn ask<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    let deadline = patience(CALL_DEADLINE);
    let answer = block_on(async { tokio::time::timeout(deadline, call).await });
    IS_SILENT.store(answer.is_err(), Ordering::Relaxed);
    match answer {
        Ok(answer) => answer.map_err(|error| with_sources(&error)),
        Err(_elapsed) => Err(format!("no answer within {} s", deadline.as_secs())),
    }
}

/// How long an answer is waited for: not so long again, once none came.
pub(super) fn patience(usual: Duration) -> Duration {
    if IS_SILENT.load(Ordering::Relaxed) { usual.min(SILENT_DEADLINE) } else { usual }
}

fn pull(docker: &Docker, reference: &str, telling: &dyn Fn(Told<'_>)) -> Result<(), String> {
    let (name, tag) = name_and_tag(reference);
    let options = CreateImageOptionsBuilder::new();
    let options = if reference.contains('@') {
        options.from_image(reference).build()
    } else {
        options.from_image(&name).tag(&tag).build()
    };
    let steps = docker.create_image(Some(options), None, None);
    block_on(pull::follow(steps, reference, telling))
}

/// `redis:7` is (`redis`, `7`), `host:5000/redis` is (`host:5000/redis`, `latest`), and a digest is
/// split so that joining both with `:` gives it back.
pub(super) fn name_and_tag(reference: &str) -> (String, String) {
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name.to_owned(), tag.to_owned()),
        _ => (reference.to_owned(), "latest".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_split_at_its_tag() {
        let split = |reference: &str| name_and_tag(reference);
        assert_eq!(split("redis:8.10.2"), ("redis".into(), "8.10.2".into()));
        assert_eq!(split("host:5000/redis"), ("host:5000/redis".into(), "latest".into()));
        assert_eq!(split("redis@sha256:ab"), ("redis@sha256".into(), "ab".into()));
    }
}
