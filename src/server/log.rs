//! The server's own log as evidence: what INFO forgets of a background save.
//!
//! The texts are the same from Redis 5.0 to 8 and in Valkey (Redis facts 2.4).

/// How a background save ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BgsaveEnd {
    /// `Background saving terminated with success`.
    Succeeded,
    /// `Background saving error`: the child could not write.
    Failed,
    /// `Background saving terminated by signal N`: FLUSHALL kills the child, for example. INFO's
    /// `rdb_last_bgsave_status` stays as it was, `ok` on a fresh server (Redis facts 2.2).
    Killed,
}

/// How the last background save that the log tells of ended; `None` if it tells of none.
pub fn last_bgsave_end(log: &str) -> Option<BgsaveEnd> {
    log.lines().rev().find_map(|line| {
        if line.contains("Background saving terminated with success") {
            Some(BgsaveEnd::Succeeded)
        } else if line.contains("Background saving terminated by signal") {
            Some(BgsaveEnd::Killed)
        } else if line.contains("Background saving error") {
            Some(BgsaveEnd::Failed)
        } else {
            None
        }
    })
}

/// The last lines, for an error message.
pub fn tail(log: &str, lines: usize) -> String {
    let all: Vec<&str> = log.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_end_counts() {
        let log = "1:M * Background saving terminated with success\n1:M # Background saving terminated by signal 10\n";
        assert_eq!(last_bgsave_end(log), Some(BgsaveEnd::Killed));
    }

    #[test]
    fn a_log_without_saves_tells_nothing() {
        assert_eq!(last_bgsave_end("1:M * Ready to accept connections\n"), None);
    }

    #[test]
    fn the_tail_is_the_last_lines() {
        assert_eq!(tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(tail("a\n", 2), "a");
    }
}
