//! The environment variables that an answer's program inherits: all but secrets. This guards
//! against accidents, such as a program that prints its environment into a CI log, but not against
//! attacks: the program runs as the same user.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::sync::{LazyLock, OnceLock};

use regex_lite::Regex;

use crate::server::container;

/// Variables that are passed on although they look like secrets.
static PASSED: OnceLock<Vec<String>> = OnceLock::new();

/// Names of secrets, and of the files through which a step controls later steps of a CI.
const SECRET_NAMES: &str = "(?i)\
    token|secret|passw|passphrase|credential|private_?key|api_?key|access_?key|webhook|\
    _(key|pass|pwd|pat|jwt|auth|auth_config)$|\
    ^(pgpassword|mysql_pwd|ssh_auth_sock|kubeconfig)$|\
    ^github_(env|path|output|state|step_summary)$|^actions_|^aws_";
/// A URL with a password in it.
const SECRET_VALUES: &str = "^[a-z][a-z0-9+.-]*://[^/@\\s]*:[^/@\\s]+@";

/// Passes these variables on, as the user asked. Call it once, before the first answer.
pub fn pass_on(names: Vec<String>) {
    let _ = PASSED.set(names);
}

/// The environment for an answer's program, without our own variables.
pub(super) fn environment() -> BTreeMap<OsString, OsString> {
    let passed = PASSED.get().map(Vec::as_slice).unwrap_or_default();
    let all = std::env::vars_os().filter(|(name, value)| {
        passed.iter().any(|wanted| name == wanted.as_str()) || !is_secret(name, value)
    });
    let mut environment: BTreeMap<OsString, OsString> = all.collect();
    if environment.remove(OsStr::new(container::HANDED_OVER)).is_some() {
        environment.remove(OsStr::new("DOCKER_HOST"));
    }
    environment
}

fn is_secret(name: &OsStr, value: &OsStr) -> bool {
    static PATTERNS: LazyLock<Option<(Regex, Regex)>> =
        LazyLock::new(|| Some((Regex::new(SECRET_NAMES).ok()?, Regex::new(SECRET_VALUES).ok()?)));
    PATTERNS.as_ref().is_none_or(|(names, values)| {
        names.is_match(&name.to_string_lossy()) || values.is_match(&value.to_string_lossy())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_hidden(name: &str, value: &str) -> bool {
        is_secret(OsStr::new(name), OsStr::new(value))
    }

    #[test]
    fn secrets_by_their_usual_names_are_hidden() {
        for name in [
            "GITHUB_TOKEN",
            "GH_TOKEN",
            "CI_JOB_TOKEN",
            "ACTIONS_RUNTIME_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "GITHUB_ENV",
            "GITHUB_OUTPUT",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_PROFILE",
            "AZURE_CLIENT_SECRET",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "NPM_TOKEN",
            "PGPASSWORD",
            "MYSQL_PWD",
            "CI_REGISTRY_PASSWORD",
            "DEPLOY_KEY",
            "STRIPE_API_KEY",
            "apikey",
            "DOCKER_AUTH_CONFIG",
            "SSH_AUTH_SOCK",
            "SLACK_WEBHOOK_URL",
        ] {
            assert!(is_hidden(name, "x"), "{name}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_hidden_whatever_the_name() {
        assert!(is_hidden("DATABASE_URL", "postgres://me:pw@db/shop"));
        assert!(!is_hidden("DATABASE_URL", "postgres://db/shop"));
    }

    #[test]
    fn what_programs_need_is_passed_on() {
        for name in [
            "PATH",
            "HOME",
            "PWD",
            "OLDPWD",
            "LANG",
            "TERM",
            "TMPDIR",
            "PYTHONPATH",
            "VIRTUAL_ENV",
            "GITHUB_ACTIONS",
            "CI",
            "KEYBOARD",
            "XDG_SESSION_ID",
            "LD_LIBRARY_PATH",
        ] {
            assert!(!is_hidden(name, "/usr/bin"), "{name}");
        }
    }
}
