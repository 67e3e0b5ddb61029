//! The credentials that `docker login` left for an image's registry.

use std::io;
use std::time::Duration;

use docker_credential::{
    CredentialRetrievalError, DockerCredential, get_credential, get_credential_from_reader,
    get_podman_credential,
};
use testcontainers::bollard::auth::DockerCredentials;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::runtime::block_on;

/// A helper may ask the user to unlock a keychain.
const HELPER_DEADLINE: Duration = Duration::from_secs(60);
/// The names of Docker Hub: what `docker login` writes, and what an author may write.
const DOCKER_HUB: [&str; 2] = ["https://index.docker.io/v1/", "index.docker.io"];

/// The credentials for an image; `None` if there are none. The error says why they can't be read.
pub(super) fn credentials_for(reference: &str) -> Result<Option<DockerCredentials>, String> {
    let names: Vec<String> = registry_names(reference).into_iter().map(str::to_owned).collect();
    let read = async { timeout(HELPER_DEADLINE, spawn_blocking(move || first_of(&names))).await };
    block_on(read)
        .map_err(io::Error::other)
        .and_then(|read| read.map_err(io::Error::other))
        .map_err(|error| format!("the credential helper gave no answer: {error}"))?
}

/// The registry's names under which credentials may be kept.
fn registry_names(reference: &str) -> Vec<&str> {
    match reference.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => match host {
            "docker.io" | "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB.to_vec(),
            host => vec![host],
        },
        _ => DOCKER_HUB.to_vec(),
    }
}

/// The credentials of the first name that has some.
fn first_of(names: &[String]) -> Result<Option<DockerCredentials>, String> {
    let mut failed = None;
    for name in names {
        match read(name) {
            Ok(credential) => return Ok(Some(for_registry(name, credential))),
            Err(error) if is_absence(&error) => {}
            Err(error) => failed = failed.or(Some(error.to_string())),
        }
    }
    failed.map_or(Ok(None), Err)
}

/// From where testcontainers reads them, and where `podman login` leaves them.
fn read(registry: &str) -> Result<DockerCredential, CredentialRetrievalError> {
    let by_variable = std::env::var("DOCKER_AUTH_CONFIG").ok().filter(|text| !text.is_empty());
    let found = match by_variable {
        Some(text) => get_credential_from_reader(text.as_bytes(), registry),
        None => get_credential(registry),
    };
    match found {
        Err(error) if is_absence(&error) => get_podman_credential(registry).map_err(|_| error),
        found => found,
    }
}

/// Whether nobody has logged in. A store that has no entry for the registry fails too.
fn is_absence(error: &CredentialRetrievalError) -> bool {
    match error {
        CredentialRetrievalError::NoCredentialConfigured
        | CredentialRetrievalError::ConfigNotFound
        | CredentialRetrievalError::ConfigReadError => true,
        CredentialRetrievalError::HelperFailure { stdout, stderr, .. } => {
            format!("{stdout}{stderr}").contains("credentials not found")
        }
        _ => false,
    }
}

fn for_registry(name: &str, credential: DockerCredential) -> DockerCredentials {
    let empty =
        DockerCredentials { serveraddress: Some(name.to_owned()), ..DockerCredentials::default() };
    match credential {
        DockerCredential::IdentityToken(token) => {
            DockerCredentials { identitytoken: Some(token), ..empty }
        }
        DockerCredential::UsernamePassword(username, password) => {
            DockerCredentials { username: Some(username), password: Some(password), ..empty }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_the_first_part_of_a_reference_if_it_looks_like_a_host() {
        assert_eq!(registry_names("127.0.0.1:5599/course/redis:7"), ["127.0.0.1:5599"]);
        assert_eq!(registry_names("ghcr.io/course/redis"), ["ghcr.io"]);
        assert_eq!(registry_names("localhost/redis:7"), ["localhost"]);
        for of_the_hub in ["redis:8", "valkey/valkey:9", "docker.io/library/redis:8"] {
            assert_eq!(registry_names(of_the_hub), DOCKER_HUB, "{of_the_hub}");
        }
    }

    #[test]
    fn a_store_without_an_entry_is_no_failure() {
        let failure = |stdout: &str| CredentialRetrievalError::HelperFailure {
            helper: "docker-credential-osxkeychain".to_owned(),
            stdout: stdout.to_owned(),
            stderr: String::new(),
        };
        assert!(is_absence(&failure("credentials not found in native keychain\n")));
        assert!(!is_absence(&failure("The keychain is locked")));
        assert!(!is_absence(&CredentialRetrievalError::HelperCommunicationError));
    }
}
