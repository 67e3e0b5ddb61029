//! The packages that Python answers may import.

use std::fmt;

use super::super::pattern::matches;

/// The default packages of a course; they work from Python 3.10 on. The first needs the second on a
/// Python before 3.11.3.
const DEFAULTS: [&str; 2] = [
    "redis==8.1.0 \
     --hash=sha256:a4fe1aac3d3b3cc791d4b3d5931c5a956045dc951ee74d1c913ee3ac4d2ee9fb",
    "async-timeout==5.0.1; python_full_version < '3.11.3' \
     --hash=sha256:39e3809566ff85354557ec2398b55e096c8364bacac9405a7a1fa429e77fe76c",
];
const HASH: &str = "--hash=sha256:";
/// `name==version` or `name[extra]==version`, without anything that pip takes for an option.
const PINNED: &str = r"[[:alnum:]][[:alnum:]._,\[\]-]*==[[:alnum:]][[:alnum:].!+_-]*";
/// Without anything that pip takes for an option, a comment or a variable.
const MARKER: &str = r#"[[:alnum:] ._+*,()<>=!~'"-]*[[:alnum:]][[:alnum:] ._+*,()<>=!~'"-]*"#;

/// A package, pinned to a version and to the hashes of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// `redis[hiredis]==8.1.0`.
    requirement: String,
    /// `python_full_version < "3.11.3"`.
    marker: Option<String>,
    /// Of each file that may be installed, in hexadecimal digits.
    hashes: Vec<String>,
}

/// Why a text is not a package.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) help: String,
}

/// The packages of a course that names none.
pub fn default_packages() -> Vec<Package> {
    DEFAULTS.into_iter().filter_map(|text| Package::parse(text).ok()).collect()
}

impl Package {
    /// Reads a pip requirement: `redis==8.1.0 --hash=sha256:…`, optionally with an environment
    /// marker.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let (pinned, options) = text.split_at(text.find(" --").unwrap_or(text.len()));
        let (requirement, marker) = match pinned.split_once(';') {
            Some((requirement, marker)) => (requirement.trim(), Some(marker.trim())),
            None => (pinned.trim(), None),
        };
        if !matches(PINNED, requirement) {
            let message = format!("the package `{requirement}` is not pinned to a version");
            let help = "pin it as in \"redis==8.1.0 --hash=sha256:…\"".to_owned();
            return Err(Refusal { message, help });
        }
        if let Some(marker) = marker
            && (!matches(MARKER, marker) || marker.split(' ').any(|word| word.starts_with('-')))
        {
            let message = format!("`{marker}` is not an environment marker");
            let help = "write one as in \"; python_full_version < '3.11.3'\"".to_owned();
            return Err(Refusal { message, help });
        }
        let (requirement, marker) = (requirement.to_owned(), marker.map(str::to_owned));
        let mut package = Self { requirement, marker, hashes: Vec::new() };
        for option in options.split_whitespace() {
            let hash = option.strip_prefix(HASH);
            let Some(hash) = hash.filter(|hash| matches("[[:xdigit:]]{64}", hash)) else {
                let message = format!("`{option}` is not a SHA-256 hash of a package file");
                let help = format!("write `{HASH}` and 64 hexadecimal digits");
                return Err(Refusal { message, help });
            };
            package.hashes.push(hash.to_lowercase());
        }
        if package.hashes.is_empty() { Err(package.without_hash()) } else { Ok(package) }
    }

    fn without_hash(&self) -> Refusal {
        let (requirement, file) = (&self.requirement, self.written_name().replace('-', "_"));
        let message = format!("the package `{requirement}` is pinned without a hash");
        let help = format!(
            "add what these two commands print: `python3 -m pip download --no-deps {requirement}` \
             and `python3 -m pip hash {file}-*.whl`; also for each of its dependencies"
        );
        Refusal { message, help }
    }

    /// Name and version: `redis==8.1.0`.
    pub fn requirement(&self) -> &str {
        &self.requirement
    }

    /// The normalized name, by which pip compares: `Redis_py[hiredis]==7.1` is `redis-py`.
    pub(super) fn name(&self) -> String {
        self.written_name().to_lowercase().replace(['_', '.'], "-")
    }

    /// The name by which every Python imports it; `None` with a marker, because the package is then
    /// not installed for every Python.
    pub fn import_name(&self) -> Option<String> {
        self.marker.is_none().then(|| self.written_name().replace('-', "_"))
    }

    /// Whether both are the same package and may be installed for the same Python.
    pub(super) fn clashes_with(&self, other: &Self) -> bool {
        let may_exclude_each_other = self.marker.is_some() && other.marker.is_some();
        self.name() == other.name() && !may_exclude_each_other
    }

    fn written_name(&self) -> &str {
        self.requirement.split(['[', '=']).next().unwrap_or_default()
    }
}

/// A line of a requirements file.
impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.requirement)?;
        if let Some(marker) = &self.marker {
            write!(f, " ; {marker}")?;
        }
        self.hashes.iter().try_for_each(|hash| write!(f, " {HASH}{hash}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(digit: &str) -> String {
        format!("--hash=sha256:{}", digit.repeat(64))
    }

    fn parse(text: &str) -> Package {
        Package::parse(text).unwrap()
    }

    fn refusal(text: &str) -> String {
        Package::parse(text).unwrap_err().message
    }

    #[test]
    fn the_default_packages_are_pinned() {
        let packages = default_packages();
        let requirements: Vec<&str> = packages.iter().map(Package::requirement).collect();
        assert_eq!(requirements, ["redis==8.1.0", "async-timeout==5.0.1"]);
    }

    #[test]
    fn a_package_is_written_as_pip_reads_it() {
        let text = format!("redis[hiredis]==7.1;python_version>='3.9' {} {}", hash("a"), hash("B"));
        let line = "redis[hiredis]==7.1 ; python_version>='3.9'";
        assert_eq!(parse(&text).to_string(), format!("{line} {} {}", hash("a"), hash("b")));
    }

    fn import_name(text: &str) -> Option<String> {
        parse(&format!("{text} {}", hash("a"))).import_name()
    }

    #[test]
    fn a_package_is_imported_by_its_name_where_it_is_there_for_every_python() {
        assert_eq!(import_name("redis[hiredis]==8.1.0").as_deref(), Some("redis"));
        assert_eq!(import_name("async-timeout==5.0").as_deref(), Some("async_timeout"));
        assert_eq!(import_name("async-timeout==5.0; python_version < '3'"), None);
    }

    #[test]
    fn a_package_without_a_hash_is_refused() {
        assert_eq!(refusal("redis==7.1"), "the package `redis==7.1` is pinned without a hash");
        let options = ["--hash=sha256:ab", "--hash=md5:00", "--index-url=http://a", "-r x"];
        for option in options {
            let text = format!("redis==7.1 {option} {}", hash("a"));
            assert!(Package::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_marker_holds_nothing_else() {
        for marker in ["", "-r x", "os_name == 'a' -r x", "os_name == '$HOME'", "a # b", "a\nb"] {
            let message = refusal(&format!("redis==7.1; {marker} {}", hash("a")));
            assert!(message.ends_with("is not an environment marker"), "{message}");
        }
    }
}
