use crate::attempt::{Evidence, Observation};
use crate::lesson::Moment;
use crate::server::ServerInfo;
use crate::verdict::changes::changes;

fn evidence(before: (i64, &str), exit: (i64, &str), settled: Option<(i64, &str)>) -> Evidence {
    let observation =
        |(lastsave, info): (i64, &str)| Observation::of(ServerInfo::of(lastsave, info));
    let mut evidence = Evidence::new(ServerInfo::of(before.0, before.1))
        .seeing(Moment::Exit, Ok(observation(exit)));
    evidence.looks.extend(settled.map(|settled| (Moment::Settled, Ok(observation(settled)))));
    evidence
}

fn rows(evidence: &Evidence) -> Vec<String> {
    let changes = changes(evidence);
    changes.iter().map(|row| format!("{}: {} → {}", row.field, row.before, row.after)).collect()
}

#[test]
fn unchanged_fields_have_no_row() {
    let same = (100, "rdb_saves:0\ntotal_forks:0\nrdb_last_bgsave_status:ok\nused_memory:5\n");
    assert!(changes(&evidence(same, same, None)).is_empty());
}

#[test]
fn a_background_save_shows_in_all_its_fields() {
    let before = "rdb_saves:0\nrdb_changes_since_last_save:0\ntotal_forks:0\n\
                  rdb_last_bgsave_status:ok\nrdb_last_bgsave_time_sec:-1\n";
    let exit = "rdb_bgsave_in_progress:1\n";
    let settled = "rdb_saves:1\nrdb_changes_since_last_save:2\ntotal_forks:1\n\
                   rdb_last_bgsave_status:err\nrdb_last_bgsave_time_sec:0\n";
    let mut evidence = evidence((100, before), (100, exit), Some((101, settled)));
    evidence.file_bytes = Some(104);
    assert_eq!(
        rows(&evidence),
        [
            "LASTSAVE: 100 → 101 (+1 s)",
            "rdb_saves: 0 → 1",
            "rdb_changes_since_last_save: 0 → 2",
            "total_forks: 0 → 1",
            "rdb_last_bgsave_status: ok → err",
            "rdb_bgsave_in_progress: 0 → 1 when the answer ended",
            "rdb_last_bgsave_time_sec: none yet → under 1 s",
            "dump.rdb: none → 104 bytes",
        ]
    );
}

#[test]
fn the_time_of_save_comes_from_commandstats() {
    let took = |stats: &str| rows(&evidence((100, ""), (100, stats), None));
    assert_eq!(took("cmdstat_save:calls=1,usec=310500\n"), ["SAVE took:  → 310 ms"]);
    assert_eq!(took("cmdstat_save:calls=2,usec=900\n"), ["SAVE took:  → under 1 ms in 2 calls"]);
    assert!(took("cmdstat_save:calls=1,usec=1,failed_calls=1\n").is_empty());
}

#[test]
fn a_field_that_this_server_lacks_has_no_row() {
    assert!(changes(&evidence((100, ""), (100, "rdb_saves:1\n"), None)).is_empty());
}

#[test]
fn a_clock_that_was_set_back_has_a_row() {
    assert_eq!(rows(&evidence((100, ""), (99, ""), None)), ["LASTSAVE: 100 → 99 (-1 s)"]);
}

#[test]
fn another_start_of_the_server_makes_all_else_meaningless() {
    let rows = rows(&evidence((100, "run_id:0123456789\n"), (107, "run_id:abcdef\n"), None));
    assert_eq!(rows, ["run_id: 01234567 → abcdef"]);
}

#[test]
fn a_server_that_was_never_looked_at_leaves_the_file() {
    let mut evidence = evidence((100, ""), (100, ""), None);
    evidence.looks.clear();
    (evidence.file_bytes_before, evidence.file_bytes) = (Some(1), Some(89));
    assert_eq!(rows(&evidence), ["dump.rdb: 1 byte → 89 bytes"]);
}
