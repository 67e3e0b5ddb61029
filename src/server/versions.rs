//! The differences between the versions of Redis and Valkey that courses name, and how a version is
//! named. No other code asks for the version: it calls the functions here.
//!
//! Facts marked "tested" are checked by `tests/it/versions.rs` on Redis 6.2.5, 7.0.15, 8.0.2 and
//! 8.6.2 and on Valkey 8.1.1 and 9.1.2. The others were measured on Redis 6.2.16 to 8.0 and Valkey
//! 7.2 to 8.1, unless a source is given.
//!
//! - Since Redis 7.0, INFO commandstats counts `config|get`, `config|set`, … separately; before,
//!   all are `config` (tested). See [`name_in_commandstats`] and [`is_counted_as`].
//! - `rdb_saves`, `aof_rewrites`, `rdb_last_load_keys_loaded`, `async_loading` and
//!   `current_cow_peak` exist since Redis 7.0 (tested). See [`forks_for_saves`]; no rule needs the
//!   others, and a lesson that names one requires 7.0 or later.
//! - Since Redis 7.0.1, `rdb_saves` counts SAVE too. No rule needs it.
//! - Before Redis 7.0, SAVE works inside MULTI; later it is rejected when it is queued (tested).
//!   Rules count the calls that succeeded, which is right for both.
//! - Before Redis 7.0, BGSAVE inside MULTI starts at once; later it is scheduled for the next tick
//!   (tested). [`forks_for_saves`]: a save that was accepted and has not forked is still to come.
//! - Valkey 9.1: a fresh server has counted two CONFIG GET that nobody called (tested). Rules
//!   compare with the time before the answer.
//! - Before Redis 7.0, SAVE from a script is not counted as rejected for `save`. Rules never use
//!   `rejected_calls`.
//! - Before Redis 7.0, DEBUG and MODULE are allowed (tested). The default user may use neither, on
//!   any version.
//! - Before Redis 7.0, CONFIG SET `dir` and `dbfilename` are allowed (tested). Nobody else can
//!   reach the server, and an answer that uses them meets the same checks: after a crash the server
//!   starts again from its own directory.
//! - Before Redis 7.0.15, FLUSHALL with save points leaves `rdb_changes_since_last_save` above 0.
//!   There are no save points unless a lesson wants them.
//! - Redis 7.0.0: a MISCONF reply has one line end too many, which confuses every client. Name
//!   `redis 7.0` in a course and use a later patch version.
//! - Since Valkey 8.1, `BGSAVE CANCEL` ends a save, whose status stays `ok` (tested). The log
//!   reports it on every version: see [`super::log`].
//! - Since Valkey 9.2, a background save may not fork if that is configured; then
//!   `rdb_last_bgsave_type` says so (from Valkey's documentation). See [`saves_without_fork`].
//! - Redis 8.6 logs `BGSAVE done, …`, after SAVE too (tested). Nothing reads that line: see
//!   [`super::log`].
//! - For a snapshot file of a later version, Valkey reports a `Wrong signature`, not a version that
//!   it `can't handle` (tested). [`super::log`] knows both.
//! - SAVE rejected inside MULTI: Valkey 9.1 says `Command 'save' not allowed inside a transaction`,
//!   others omit `'save'`; from a script, Valkey 9.1 says `This Valkey command is not allowed from
//!   script`, others `Redis` (tested). Diagnoses look for the words that all have in common.
//! - Redis 8.6 says `unknown command 'x'` without `, with args beginning with:` if there are no
//!   arguments (tested). An example in a lesson writes `...` there.
//! - Redis 8 and Valkey 9.1 have modules that nobody has loaded: `vectorset`, `lua` (tested).
//!   Nothing asks for modules; no key is a vector set unless a lesson creates one.
//! - Redis 8 and 8.6 have new INFO fields, for example `rdb_saves_consecutive_failures` (tested).
//!   No rule needs them; lessons may name them.
//! - Valkey reports its own `valkey_version` beside a `redis_version` that stays 7.2.4 (tested).
//!   See [`server_and_version`].

use std::fmt;

use super::ServerInfo;
use crate::redis_cli::commands::has_subcommands;

/// A command's name in INFO commandstats: `config|get`. Before Redis 7.0 it is only `config`;
/// [`is_counted_as`] handles that.
pub fn name_in_commandstats<W: AsRef<[u8]>>(words: &[W]) -> String {
    match words {
        [container, subcommand, ..] if has_subcommands(&lowercase(container.as_ref())) => {
            format!("{}|{}", lowercase(container.as_ref()), lowercase(subcommand.as_ref()))
        }
        [name, ..] => lowercase(name.as_ref()),
        [] => String::new(),
    }
}

fn lowercase(word: &[u8]) -> String {
    String::from_utf8_lossy(word).to_lowercase()
}

/// Whether the line `name` of commandstats counts calls of `command`: calls of `config` are counted
/// in `config`, or in `config|get`, `config|set`, ….
pub fn is_counted_as(name: &str, command: &str) -> bool {
    let rest = name.strip_prefix(command);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('|'))
}

/// Whether commandstats counts subcommands apart (`config|get`): since Redis 7.0, and on Valkey.
pub fn counts_subcommands(info: &ServerInfo) -> bool {
    is_7_or_later(info)
}

/// INFO for looks at which these fields are read: all that INFO all shows, but how long the calls of
/// each command took only if one of them is about that, since the server needs half of its time for
/// it. `None`: only which keys there are and what runs in the background is read, which takes the
/// server a fourth of the time. Before Redis 7.0, INFO takes one section only, and commandstats tells
/// what runs in the background (tested). A server ignores the names of sections that it does not
/// have.
pub fn info_for(fields: Option<&[&str]>, info: &ServerInfo) -> &'static str {
    match fields {
        _ if !is_7_or_later(info) => "INFO all",
        None => "INFO server clients persistence stats keyspace",
        Some(fields) if fields.iter().any(is_about_latencies) => "INFO all",
        Some(_) => {
            "INFO server tls clients memory persistence threads stats replication cpu hotkeys \
             modules commandstats errorstats cluster scriptingengines keyspace keysizes"
        }
    }
}

fn is_about_latencies(field: &&str) -> bool {
    field.starts_with("latency_percentiles_usec_")
}

fn is_7_or_later(info: &ServerInfo) -> bool {
    let major = info.field("redis_version").and_then(|version| version.split('.').next());
    major.and_then(|major| major.parse::<u32>().ok()).is_none_or(|major| major >= 7)
}

/// Forks since the server's start, except those for AOF rewrites.
pub fn forks_for_saves(info: &ServerInfo) -> i64 {
    info.number("total_forks") - aof_rewrites(info)
}

/// AOF rewrites since the server's start. Before Redis 7.0 this is the number of accepted
/// BGREWRITEAOF calls, without the rewrite that `CONFIG SET appendonly yes` starts.
pub fn aof_rewrites(info: &ServerInfo) -> i64 {
    let counted = info.field("aof_rewrites").and_then(|count| count.parse().ok());
    counted.unwrap_or_else(|| info.successful_calls("bgrewriteaof"))
}

/// Whether the server reports that the last background save did not fork.
pub fn saves_without_fork(info: &ServerInfo) -> bool {
    info.field("rdb_last_bgsave_type") == Some("forkless")
}

/// `redis 7.0.15` or `valkey 9.1.2`, from INFO.
pub fn server_and_version(info: &ServerInfo) -> String {
    match (info.field("valkey_version"), info.field("redis_version")) {
        (Some(version), _) => format!("valkey {version}"),
        (None, Some(version)) => format!("redis {version}"),
        (None, None) => "a server of unknown version".to_owned(),
    }
}

/// `redis 7.0.15`, from the output of `redis-server --version`:
/// `Redis server v=7.0.15 sha=… bits=64 …`.
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
    /// Reads `redis 7.0`; `None` if the text is not a server and a version.
    pub fn parse(text: &str) -> Option<Self> {
        let (server, version) = text.split_once(' ')?;
        let is_known = matches!(server, "redis" | "valkey") && version.split('.').all(is_number);
        is_known.then(|| Self { server: server.to_owned(), version: version.to_owned() })
    }

    /// Whether `server`, for example `redis 7.0.15`, has this version. That one satisfies `redis 7`
    /// and `redis 7.0`, but neither `redis 7.01` nor `valkey 7.0`.
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

    /// Fills a template such as `registry.example/{server}:{version}`.
    pub fn image_by(&self, template: &str) -> String {
        template
            .replace(SERVER_PLACEHOLDER, &self.server)
            .replace(VERSION_PLACEHOLDER, &self.version)
    }
}

/// Whether the text consists of digits.
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

const SERVER_PLACEHOLDER: &str = "{server}";
const VERSION_PLACEHOLDER: &str = "{version}";

/// Whether `image` contains a placeholder for the server or the version.
pub fn is_image_template(image: &str) -> bool {
    image.contains(SERVER_PLACEHOLDER) || image.contains(VERSION_PLACEHOLDER)
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
    fn other_texts_are_not_versions() {
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
    fn aof_rewrites_are_not_forks_for_saves() {
        let redis_7 =
            ServerInfo::of(0, "total_forks:3\naof_rewrites:1\ncmdstat_bgrewriteaof:calls=9\n");
        assert_eq!(forks_for_saves(&redis_7), 2);
        let redis_6 = "total_forks:3\ncmdstat_bgrewriteaof:calls=2,failed_calls=1\n";
        assert_eq!(forks_for_saves(&ServerInfo::of(0, redis_6)), 2);
    }
}
