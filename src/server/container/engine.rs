//! The Docker engine and its images.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::query_parameters::CreateImageOptionsBuilder;
use testcontainers::core::client::docker_client_instance;

use super::credentials::credentials_for;
use super::engine_address::EngineAddress;
use super::network::Network;
use super::{failed_pulls, pull};
use crate::error::with_sources;
use crate::progress_event::ProgressEvent;
use crate::runtime::block_on;

const ENGINE_DEADLINE: Duration = Duration::from_secs(5);
const CALL_DEADLINE: Duration = Duration::from_secs(20);
/// The deadline of a call after another got no answer.
const SILENT_DEADLINE: Duration = Duration::from_secs(2);

/// Whether the last call got no answer in time.
static IS_SILENT: AtomicBool = AtomicBool::new(false);

/// An image on the engine that contains a server.
#[derive(Debug, Clone)]
pub struct Image {
    /// As the user wrote it: `redis:8.10.2`.
    pub reference: String,
    /// The command without arguments: the image's own entrypoint, which may load modules and drop
    /// root, and its own command, `redis-server` or `valkey-server`.
    pub(super) command: Vec<String>,
    /// The image's default user; empty means root.
    pub(super) user: String,
}

/// The version of the Docker engine, and where it is if that is not its usual place; the error says
/// why there is none.
pub fn engine_version() -> Result<String, String> {
    let address = EngineAddress::find()?;
    Network::of(&address)?;
    let request = async {
        let docker = docker_client_instance().await.map_err(|error| with_sources(&error))?;
        let version = docker.version().await.map_err(|error| with_sources(&error))?;
        Ok(version.version.unwrap_or_else(|| "of an unknown version".to_owned()))
    };
    let answer = within(ENGINE_DEADLINE, request)
        .unwrap_or_else(|| Err(format!("no answer within {} s", ENGINE_DEADLINE.as_secs())));
    match answer {
        Ok(version) if address.is_default() => Ok(version),
        Ok(version) => Ok(format!("{version}, at {}", address.shown())),
        Err(why) => Err(format!("the engine at {} does not answer: {why}", address.shown())),
    }
}

/// Returns the image; pulls it first if the engine does not have it, and reports the progress. A
/// failure is remembered: see [`super::failed_pull`].
pub fn find_image(reference: &str, report: &dyn Fn(ProgressEvent<'_>)) -> Result<Image, String> {
    let docker = client()?;
    if let Some(image) = local_image(&docker, reference) {
        return Ok(image);
    }
    report(ProgressEvent::Message(&format!("pulling the image `{reference}`, once")));
    match pull(&docker, reference, report) {
        Ok(()) => failed_pulls::forget_failed_pull(reference),
        Err(why) => {
            failed_pulls::remember(reference, &why);
            return Err(why);
        }
    }
    local_image(&docker, reference)
        .ok_or_else(|| format!("the image `{reference}` was pulled but is not there"))
}

pub fn has_image(reference: &str) -> bool {
    client().is_ok_and(|docker| local_image(&docker, reference).is_some())
}

pub(super) fn client() -> Result<Docker, String> {
    block_on(docker_client_instance()).map_err(|error| with_sources(&error))
}

fn local_image(docker: &Docker, reference: &str) -> Option<Image> {
    let config = ask(docker.inspect_image(reference)).ok()?.config.unwrap_or_default();
    let mut command = config.entrypoint.unwrap_or_default();
    if !command.last().is_some_and(|word| is_server(word)) {
        let program = config.cmd.unwrap_or_default().into_iter().next();
        let program = program.filter(|word| is_server(word));
        command.push(program.unwrap_or_else(|| "redis-server".to_owned()));
    }
    Some(Image { reference: reference.to_owned(), command, user: config.user.unwrap_or_default() })
}

fn is_server(word: &str) -> bool {
    word.ends_with("-server")
}

/// Calls the engine, with a deadline: a shorter one if the last call got no answer.
pub(super) fn ask<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    let is_silent = IS_SILENT.load(Ordering::Relaxed);
    let deadline = if is_silent { SILENT_DEADLINE } else { CALL_DEADLINE };
    match within(deadline, call) {
        Some(answer) => answer.map_err(|error| with_sources(&error)),
        None => Err(format!("no answer within {} s", deadline.as_secs())),
    }
}

fn within<T>(deadline: Duration, call: impl Future<Output = T>) -> Option<T> {
    let answer = block_on(async { tokio::time::timeout(deadline, call).await });
    IS_SILENT.store(answer.is_err(), Ordering::Relaxed);
    answer.ok()
}

fn pull(
    docker: &Docker,
    reference: &str,
    report: &dyn Fn(ProgressEvent<'_>),
) -> Result<(), String> {
    let (name, tag) = name_and_tag(reference);
    let options = CreateImageOptionsBuilder::new().from_image(&format!("{name}:{tag}")).build();
    let (credentials, unread) = match credentials_for(reference) {
        Ok(credentials) => (credentials, None),
        Err(why) => (None, Some(why)),
    };
    let steps = docker.create_image(Some(options), None, credentials);
    let pulled = block_on(pull::follow(steps, reference, report));
    pulled.map_err(|why| match unread {
        Some(unread) => format!("{why}; the credentials of `docker login` can't be read: {unread}"),
        None => why,
    })
}

/// Splits `redis:7` into (`redis`, `7`) and `host:5000/redis` into (`host:5000/redis`, `latest`). A
/// digest is split so that joining both parts with `:` gives it back.
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
        assert_eq!(name_and_tag("redis:8.10.2"), ("redis".into(), "8.10.2".into()));
        assert_eq!(name_and_tag("host:5000/redis"), ("host:5000/redis".into(), "latest".into()));
        assert_eq!(name_and_tag("redis@sha256:ab"), ("redis@sha256".into(), "ab".into()));
    }
}
