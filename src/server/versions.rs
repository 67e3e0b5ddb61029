//! What differs between the versions of Redis and Valkey that courses name, and the name of a version.
//! Nothing else asks which version it talks to: it calls what stands here.
//!
//! Sources are the sections of the Redis facts (Redis 6.2.16 to 8.0, Valkey 7.2 to 8.1), or `seen`: by
//! `tests/it/versions.rs` on real servers, Redis 6.2.5, 7.0.15, 8.0.2 and 8.6.2, Valkey 8.1.1 and 9.1.2.
//!
//! | what differs | where | source | what is done |
//! |---|---|---|---|
//! | INFO commandstats counts `config\|get`, `config\|set`, … apart; before, all are `config` | since Redis 7.0 | 3, seen | [`name_in_commandstats`], [`is_counted_as`] |
//! | `rdb_saves`, `aof_rewrites`, `rdb_last_load_keys_loaded`, `async_loading`, `current_cow_peak` | since Redis 7.0 | 2.1, seen | [`forks_for_saves`]; no rule needs the others, and a lesson that names one holds on 7.0 and later only |
//! | `rdb_saves` counts SAVE too | since Redis 7.0.1 | 2.2 | no rule needs it |
//! | SAVE works inside MULTI; later it is refused when it is queued | before Redis 7.0 | 2.3, 3, seen | rules count the calls that succeeded, which is right for both |
//! | BGSAVE inside MULTI begins at once; later it is scheduled for the next tick | before Redis 7.0 | 3, seen | [`forks_for_saves`]: what was accepted and has not forked is still to come |
//! | a fresh server has counted two CONFIG GET that nobody called | Valkey 9.1 | seen | rules compare with the time before the answer |
//! | SAVE from a script is not counted as rejected for `save` | before Redis 7.0 | 2.3 | rules never use `rejected_calls` |
//! | DEBUG and MODULE are allowed | before Redis 7.0 | 8, seen | the default user may use neither, on no version |
//! | CONFIG SET dir or dbfilename is allowed | before Redis 7.0 | 8, seen | nobody else gets to the server; an answer that uses it meets the same checks: the server starts again from its own directory after a crash |
//! | FLUSHALL with save points leaves `rdb_changes_since_last_save` over 0 | before Redis 7.0.15 | 2.2 | no save points unless a lesson wants them |
//! | a MISCONF reply with a line end too many, which confuses every client | Redis 7.0.0 | 3 | name `redis 7.0` in a course and have a later one |
//! | `BGSAVE CANCEL` ends a save, whose status stays `ok` | since Valkey 8.1 | 2.1, seen | the log tells of it on every version: [`super::log`] |
//! | a background save may not fork, and says so in `rdb_last_bgsave_type` | since Valkey 9.2, if asked for | 2.1, from its documentation | [`saves_without_fork`] |
//! | `BGSAVE done, …` in the log, after SAVE too | Redis 8.6 | seen | nothing reads that line: [`super::log`] |
//! | a snapshot file of a later version has a `Wrong signature`, not a version that it `can't handle` | Valkey | seen | [`super::log`] knows both |
//! | SAVE refused inside MULTI: `Command 'save' not allowed inside a transaction`, without `'save'` before; from a script: `This Valkey command is not allowed from script`, else `Redis` | Valkey 9.1 | seen | diagnoses look for the words that all have |
//! | `unknown command 'x'` without `, with args beginning with:` where it has none | Redis 8.6 | seen | an example of a lesson writes `...` there |
//! | a module that nobody has loaded: `vectorset`, `lua` | Redis 8, Valkey 9.1 | seen | nothing asks for modules; no key is a vector set unless a lesson makes one |
//! | INFO fields that older ones have not, `rdb_saves_consecutive_failures` for one | Redis 8 and 8.6 | seen | no rule needs them; lessons know the names |
//! | the server's own name and version: `valkey_version` beside a `redis_version` that stays 7.2.4 | Valkey | seen | [`server_and_version`] |

use std::fmt;

use super::Snapshot;
use crate::redis_cli::words::has_subcommands;

/// What a command is called in INFO commandstats: `config|get` (before Redis 7.0 only `config`, which is
/// what [`is_counted_as`] is for).
pub fn name_in_commandstats<W: AsRef<[u8]>>(words: &[W]) -> String {
    let lower = |word: &W| String::from_utf8_lossy(word.as_ref()).to_lowercase();
    match words {
        [container, subcommand, ..] if has_subcommands(&lower(container)) => {
            format!("{}|{}", lower(container), lower(subcommand))
        }
        [name, ..] => lower(name),
        [] => String::new(),
    }
}

/// Whether the line `name` of commandstats counts calls of `command`: those of `config` stand in `config`,
/// or in `config|get`, `config|set`, ….
pub fn is_counted_as(name: &str, command: &str) -> bool {
    let rest = name.strip_prefix(command);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('|'))
}

/// Forks since the server's start but those for AOF rewrites.
pub fn forks_for_saves(snapshot: &Snapshot) -> i64 {
    snapshot.number("total_forks") - aof_rewrites(snapshot)
}

/// AOF rewrites since the server's start. Before Redis 7.0 there is only the count of accepted BGREWRITEAOF:
/// the rewrite that `CONFIG SET appendonly yes` begins is not in it.
fn aof_rewrites(snapshot: &Snapshot) -> i64 {
    let counted = snapshot.field("aof_rewrites").and_then(|count| count.parse().ok());
    counted.unwrap_or_else(|| snapshot.successful_calls("bgrewriteaof"))
}

/// Whether the last background save did not fork, by the server's own word.
pub fn saves_without_fork(snapshot: &Snapshot) -> bool {
    snapshot.field("rdb_last_bgsave_type") == Some("forkless")
}

/// `redis 7.0.15` or `valkey 9.1.2`, from INFO.
pub fn server_and_version(snapshot: &Snapshot) -> String {
    match (snapshot.field("valkey_version"), snapshot.field("redis_version")) {
        (Some(version), _) => format!("valkey {version}"),
        (None, Some(version)) => format!("redis {version}"),
        (None, None) => "a server without a version".to_owned(),
    }
}

/// `redis 7.0.15`, from what `redis-server --version` prints: `Redis server v=7.0.15 sha=… bits=64 …`.
pub fn printed_version(printed: &str) -> Option<String> {
    let (server, rest) = printed.trim_start().split_once(" server v=")?;
    let version = rest.split_whitespace().next()?;
    Some(format!("{} {version}", server.to_lowercase()))
}

/// A server and the beginning of its version, as a course names them: `redis 6.2`, `valkey 9`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerVersion {
    server: String,
    version: String,
}

impl ServerVersion {
    /// Reads `redis 7.0`; `None` where it is nothing of the kind.
    pub fn parse(text: &str) -> Option<Self> {
        let (server, version) = text.split_once(' ')?;
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
        let is_known = matches!(server, "redis" | "valkey") && version.split('.').all(is_number);
        is_known.then(|| Self { server: server.to_owned(), version: version.to_owned() })
    }

    /// Whether `server` (`redis 7.0.15`) is one of these: `redis 7.0` is, and `redis 7` is, but neither
    /// `redis 7.01` nor `valkey 7.0` is.
    pub fn is_met_by(&self, server: &str) -> bool {
        let Some((name, version)) = server.split_once(' ') else { return false };
        let mut parts = version.split('.');
        name == self.server && self.version.split('.').all(|wanted| parts.next() == Some(wanted))
    }

    /// The official image: `redis:7.0`, `valkey/valkey:9`.
    pub fn official_image(&self) -> String {
        match self.server.as_str() {
            "valkey" => format!("valkey/valkey:{}", self.version),
            server => format!("{server}:{}", self.version),
        }
    }

    /// The image that a template names, such as `registry.example/{server}:{version}`.
    pub fn image_by(&self, template: &str) -> String {
        template.replace(SERVER_PLACE, &self.server).replace(VERSION_PLACE, &self.version)
    }
}

const SERVER_PLACE: &str = "{server}";
const VERSION_PLACE: &str = "{version}";

/// Whether `image` has a place for a server or a version in it.
pub fn is_image_template(image: &str) -> bool {
    image.contains(SERVER_PLACE) || image.contains(VERSION_PLACE)
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.server, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> ServerVersion {
        ServerVersion::parse(text).unwrap()
    }

    #[test]
    fn a_version_is_met_part_by_part() {
        assert!(version("redis 7.0").is_met_by("redis 7.0.15"));
        assert!(version("redis 7.0").is_met_by("redis 7.0"));
        assert!(version("valkey 9").is_met_by("valkey 9.1.2"));
        assert!(version("redis 8.0").is_met_by("redis 8.0.0-rc1"));
        for other in ["redis 7.01", "redis 7.2", "redis 7", "valkey 7.0.15", "redis", ""] {
            assert!(!version("redis 7.0").is_met_by(other), "{other}");
        }
    }

    #[test]
    fn what_is_no_server_and_version_is_refused() {
        for text in
            ["", "redis", "redis ", "redis 7.", "redis .7", "redis  7", "redis 7 ", "redis v7"]
        {
            assert_eq!(ServerVersion::parse(text), None, "{text:?}");
        }
        assert_eq!(ServerVersion::parse("Redis 7"), None);
        assert_eq!(ServerVersion::parse("keydb 6.3"), None);
    }

    #[test]
    fn images_are_named_by_tag() {
        assert_eq!(version("redis 6.2").official_image(), "redis:6.2");
        assert_eq!(version("valkey 9").official_image(), "valkey/valkey:9");
        assert_eq!(version("valkey 9").image_by("own/{server}:{version}"), "own/valkey:9");
        assert_eq!(version("valkey 9").image_by("own:1"), "own:1");
        assert!(is_image_template("own:{version}") && !is_image_template("redis:8.10.2"));
    }

    #[test]
    fn a_programs_version_is_read() {
        let printed =
            "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1\n";
        assert_eq!(printed_version(printed).as_deref(), Some("redis 7.0.15"));
        let printed =
            "Valkey server v=9.1.2 sha=00000000:1 malloc=libc bits=64 build=1536df31c0395150";
        assert_eq!(printed_version(printed).as_deref(), Some("valkey 9.1.2"));
        assert_eq!(printed_version("GNU bash, version 5.2"), None);
    }

    #[test]
    fn subcommands_are_counted_as_their_command() {
        assert!(is_counted_as("config|get", "config") && is_counted_as("config", "config"));
        assert!(is_counted_as("config|get", "config|get"));
        assert!(!is_counted_as("config", "config|get") && !is_counted_as("configure", "config"));
        assert_eq!(name_in_commandstats(&["CONFIG", "Get", "save"]), "config|get");
        assert_eq!(name_in_commandstats(&["GET", "a"]), "get");
    }

    #[test]
    fn rewrites_of_the_aof_are_no_forks_for_saves() {
        let redis_7 =
            Snapshot::of(0, "total_forks:3\naof_rewrites:1\ncmdstat_bgrewriteaof:calls=9\n");
        assert_eq!(forks_for_saves(&redis_7), 2);
        let redis_6 = "total_forks:3\ncmdstat_bgrewriteaof:calls=2,failed_calls=1\n";
        assert_eq!(forks_for_saves(&Snapshot::of(0, redis_6)), 2);
    }
}
