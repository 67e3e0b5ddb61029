//! The server's log as evidence: it shows how a background save ended, which INFO may not show.
//!
//! The texts are the same in Redis 5.0 to 8 and in Valkey 7.2 to 8.1, by their source code.

use std::time::Duration;

/// How a background save ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BgsaveEnd {
    /// `Background saving terminated with success`.
    Succeeded,
    /// `Background saving error`: the child could not write.
    Failed,
    /// `Background saving terminated by signal N`: FLUSHALL kills the child, for example. INFO's
    /// `rdb_last_bgsave_status` does not change; it is `ok` on a fresh server.
    Killed,
}

/// How the background saves in a log ended, in order.
pub fn bgsave_ends(log: &str) -> Vec<BgsaveEnd> {
    log.lines().filter_map(bgsave_end).collect()
}

fn bgsave_end(line: &str) -> Option<BgsaveEnd> {
    let ends = [
        ("Background saving terminated with success", BgsaveEnd::Succeeded),
        ("Background saving terminated by signal", BgsaveEnd::Killed),
        ("Background saving error", BgsaveEnd::Failed),
    ];
    ends.into_iter().find(|(text, _)| line.contains(text)).map(|(_, end)| end)
}

/// How many child processes ended by the log: background saves, AOF rewrites, diskless transfers.
pub fn child_ends(log: &str) -> i64 {
    const ENDS: [&str; 5] = [
        "Background saving terminated",
        "Background saving error",
        "Background AOF rewrite terminated",
        "Background AOF rewrite error",
        "Background RDB transfer",
    ];
    let ends = log.lines().filter(|line| ENDS.iter().any(|end| line.contains(end)));
    i64::try_from(ends.count()).unwrap_or(i64::MAX)
}

/// The longest time between a background save's `DB saved on disk` and the moment when the server
/// noticed that its child had ended.
pub fn longest_child_end(log: &str) -> Duration {
    let (mut longest, mut saved) = (Duration::ZERO, None);
    for line in log.lines() {
        let by_child = line.split_whitespace().next().is_some_and(|role| role.ends_with(":C"));
        if by_child && line.ends_with("DB saved on disk") {
            saved = time_of_day(line);
        } else if line.contains("Background saving terminated")
            && let (Some(from), Some(to)) = (saved.take(), time_of_day(line))
        {
            longest = longest.max(to.saturating_sub(from));
        }
    }
    longest
}

/// The time in `7:M 22 Nov 2026 17:18:33.293 * …`.
fn time_of_day(line: &str) -> Option<Duration> {
    let mut parts = line.split_whitespace().nth(4)?.split([':', '.']).map(str::parse::<u64>);
    let mut next = || parts.next()?.ok();
    let (hours, minutes, seconds, millis) = (next()?, next()?, next()?, next()?);
    Some(Duration::from_millis(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis))
}

/// Part of the error's fact if a server did not start because of its snapshot file.
pub const DUMP_NOT_LOADED: &str = "it can't load its `dump.rdb`";

/// The log line that says why a snapshot file was not loaded, without its time. The texts are from
/// rdb.c and redis-check-rdb.c, measured on Redis 6.2.5 to 8.6.2 and Valkey 8.1.1 and 9.1.2 with a
/// truncated, an empty and a foreign file.
pub fn why_dump_not_loaded(log: &str) -> Option<String> {
    let causes = [
        "Wrong signature trying to load DB",
        "Can't handle RDB format version",
        "Wrong RDB checksum",
        "reading RDB file",
        "Short read or OOM loading DB",
        "Fatal error loading the DB",
        "RDB ERROR DETECTED",
    ];
    first_with(&causes, log)
}

/// Part of the error's fact if a server did not start because of its append-only file.
pub const AOF_NOT_LOADED: &str = "it can't load its append-only file";

/// Part of the error's fact if a server did not start because of a setting.
pub const SETTING_REFUSED: &str = "it refuses the setting";

/// The log line that says why an append-only file was not loaded. The texts are from aof.c, most of
/// them measured on Redis 6.2.5 and 7.0.15 and Valkey 9.1.2 (a cut file, a wrong length, an unknown
/// command, a missing file).
pub fn why_aof_not_loaded(log: &str) -> Option<String> {
    let causes = [
        "reading the append only file",
        "reading the RDB preamble of the AOF",
        "reading the RDB base file",
        "Bad file format reading",
        "Unknown command '",
        "unknown command",
        "Unable to obtain the AOF file",
        "opening the append only file",
        "open the append log file",
        "AOF manifest",
        "The AOF file",
        "AOF loading aborted",
    ];
    first_with(&causes, log)
}

/// What it says of a setting that it refuses: `>>> 'maxmemry "1mb"'` and, in the line below, why
/// (config.c of Redis 6.2 to 8.6 and Valkey 8.1 and 9).
fn why_setting_refused(log: &str) -> Option<String> {
    let mut lines = log.lines().skip_while(|line| !line.contains("FATAL CONFIG FILE ERROR"));
    let setting = lines.find_map(|line| line.strip_prefix(">>> "))?;
    let setting = setting.trim().trim_matches('\'').replace('"', "");
    let why = lines.find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    Some(format!("`{setting}`: {why}"))
}

/// Why a server did not start: its files or a setting if the log says so, else `why`.
pub fn reason(why: &str, log: &str) -> String {
    let known = [
        why_aof_not_loaded(log).map(|line| format!("{AOF_NOT_LOADED}: {line}")),
        why_dump_not_loaded(log).map(|line| format!("{DUMP_NOT_LOADED}: {line}")),
        why_setting_refused(log).map(|words| format!("{SETTING_REFUSED} {words}")),
    ];
    known.into_iter().flatten().next().unwrap_or_else(|| why.to_owned())
}

/// The log line of a server that was told to end and goes on, without its time. Measured on Redis
/// 6.2.5 and 7.0.15 and Valkey 9.1.2 with save points and saves that fail.
pub fn refusal_to_end(log: &str) -> Option<String> {
    first_with(&["can't exit", "errors trying to shut down"], log)
}

/// A log line about a full disk, without its time.
pub fn full_disk(log: &str) -> Option<String> {
    first_with(&["No space left on device", "Disk quota exceeded"], log)
}

/// The first message with the first of these texts that is in the log, without its time. What a
/// message quotes may have ends of lines.
fn first_with(texts: &[&str], log: &str) -> Option<String> {
    let lines: Vec<&str> = log.lines().collect();
    let last = texts.iter().find_map(|text| lines.iter().position(|line| line.contains(text)))?;
    let first = lines[..=last].iter().rposition(|line| begins_a_message(line)).unwrap_or(last);
    let message: Vec<&str> = lines[first..=last].iter().map(|line| line.trim()).collect();
    let message = message.join(" ");
    Some(message.split_once(" # ").map_or(&*message, |(_, text)| text).to_owned())
}

/// Whether the line begins with a process id, as in `42:M 30 Nov 2026 …`.
fn begins_a_message(line: &str) -> bool {
    let id = line.split_once(':').map_or("", |(id, _)| id);
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// The log message of a server that a signal ends: `Received SIGTERM scheduling shutdown...`,
/// without its time. The SHUTDOWN command logs something else (`User requested shutdown`).
pub fn ending_signal(log: &str) -> Option<&str> {
    let starts = ["Received SIGTERM", "Received SIGINT", "Received shutdown signal"];
    log.lines().find_map(|line| {
        let at = starts.iter().find_map(|start| line.find(start))?;
        Some(line[at..].trim_end_matches('.'))
    })
}

/// The help of an error: the last lines, if there are any, then this advice.
pub(super) fn with_tail(log: &str, advice: &str) -> String {
    match tail(log, 5) {
        tail if tail.trim().is_empty() => advice.to_owned(),
        tail => format!("its log ends with:\n{tail}\n{advice}"),
    }
}

fn tail(log: &str, lines: usize) -> String {
    let all: Vec<&str> = log.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_in_order() {
        let log = "1:M * Background saving terminated with success\n\
                   1:M # Background saving terminated by signal 10\n";
        assert_eq!(bgsave_ends(log), [BgsaveEnd::Succeeded, BgsaveEnd::Killed]);
    }

    #[test]
    fn a_late_child_end_is_measured() {
        let log = "7:M 25 Nov 2026 19:59:59.000 * Background saving started by pid 8\n\
            8:C 25 Nov 2026 19:59:59.966 * DB saved on disk\n\
            7:M 25 Nov 2026 20:00:02.007 * Background saving terminated with success\n";
        assert_eq!(longest_child_end(log), Duration::from_millis(2041));
        let foreground = log.replace("8:C", "7:M");
        assert_eq!(longest_child_end(&foreground), Duration::ZERO);
    }

    #[test]
    fn the_ends_of_all_children_are_counted() {
        let log = "1:M * Background saving terminated with success\n\
                   1:M * Background AOF rewrite terminated with success\n\
                   1:M * Background saving started by pid 9\n";
        assert_eq!(child_ends(log), 2);
    }

    #[test]
    fn the_log_says_why_a_snapshot_file_was_not_loaded() {
        let log = "7:M 22 Nov 2026 17:18:33.293 # Wrong signature trying to load DB from file\n\
             7:M 22 Nov 2026 17:18:33.293 # Fatal error loading the DB: Invalid argument. \
             Exiting.\n";
        let why = why_dump_not_loaded(log);
        assert_eq!(why.as_deref(), Some("Wrong signature trying to load DB from file"));
        assert_eq!(why_dump_not_loaded("7:M * DB loaded from disk: 0.001 seconds\n"), None);
    }

    #[test]
    fn the_log_says_why_a_server_did_not_start() {
        let aof = "7:M 22 Nov 2026 17:18:33.293 # Bad file format reading the append only file: \
                   make a backup of your AOF file\n";
        assert!(reason("it ended", aof).starts_with("it can't load its append-only file: Bad "));
        let setting = "\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\n\
                       Reading the configuration file, at line 4\n\
                       >>> 'save \"abc\"'\nInvalid save parameters\n";
        let refused = "it refuses the setting `save abc`: Invalid save parameters";
        assert_eq!(reason("it ended", setting), refused);
        assert_eq!(reason("it ended", "7:M * Ready\n"), "it ended");
    }

    #[test]
    fn what_a_message_quotes_may_have_ends_of_lines() {
        let log = "7:M 22 Nov 2026 17:18:33.291 # Before it\n\
                   7:M 22 Nov 2026 17:18:33.293 # Unknown command '*3\r\n$3\r\n' reading the \
                   append only file\n";
        let whole = "Unknown command '*3 $3 ' reading the append only file";
        assert_eq!(why_aof_not_loaded(log).as_deref(), Some(whole));
        let alone = "7:M 22 Nov 2026 17:18:33.291 # Before it\n7:M * AOF loading aborted\n";
        assert_eq!(why_aof_not_loaded(alone).as_deref(), Some("7:M * AOF loading aborted"));
    }

    #[test]
    fn a_server_that_does_not_end_says_why() {
        let log = "7:M 22 Nov 2026 17:18:33.293 # Error trying to save the DB, can't exit.\n";
        let why = "Error trying to save the DB, can't exit.";
        assert_eq!(refusal_to_end(log).as_deref(), Some(why));
    }

    #[test]
    fn a_signal_that_ends_the_server_is_found() {
        let log = "7:signal-handler (1795880000) Received SIGTERM scheduling shutdown...\n\
                   7:M 22 Nov 2026 17:18:33.293 # User requested shutdown...\n";
        assert_eq!(ending_signal(log), Some("Received SIGTERM scheduling shutdown"));
        assert_eq!(
            ending_signal("7:M 22 Nov 2026 17:18:33.293 # User requested shutdown...\n"),
            None
        );
    }

    #[test]
    fn a_log_without_saves_has_no_ends() {
        assert!(bgsave_ends("1:M * Ready to accept connections\n").is_empty());
    }

    #[test]
    fn the_tail_is_the_last_lines() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a\n", 2), "a");
    }
}
