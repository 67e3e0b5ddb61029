//! The fields of INFO, to report a misspelt name without asking a server.

use super::versions::is_number;

/// Fields of Redis 7 and 8 and of Valkey 8 and 9, from their `src/server.c` and from running
/// servers.
const FIELDS: &str = include_str!("info_fields.txt");

/// Beginnings of fields whose names end with a command or an error.
const NAMED: [&str; 3] = ["cmdstat_", "errorstat_", "latency_percentiles_usec_"];
/// Beginnings of fields whose names end with a number.
const NUMBERED: [&str; 5] = ["db", "slave", "listener", "engine_", "io_thread_"];

pub fn all() -> impl Iterator<Item = &'static str> {
    FIELDS.split_whitespace()
}

/// Whether a server may report this field.
pub fn is_known(name: &str) -> bool {
    all().any(|field| field == name)
        || NAMED.iter().any(|start| name.strip_prefix(start).is_some_and(|rest| !rest.is_empty()))
        || NUMBERED.iter().any(|start| name.strip_prefix(start).is_some_and(is_number))
}
