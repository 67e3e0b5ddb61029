//! Answers that redirect, break or slow down snapshots, or silence the log.

use super::{DONE, python, redis, try_all};

#[test]
fn a_snapshot_sent_elsewhere_ends_in_a_verdict() {
    let [file, folder] = try_all([
        redis(format!("CONFIG SET dbfilename other.rdb\n{DONE}")),
        redis(format!("CONFIG SET dir /\n{DONE}CONFIG SET dbfilename gone.rdb\n")),
    ]);
    for tried in [file, folder] {
        // Redis 7 protects both settings, Redis 6.2 does not.
        if !tried.verdict.passed() {
            tried.falls_short(&["survives"], &["CONFIG SET"]);
        }
    }
}

#[test]
fn a_snapshot_that_cannot_be_written_ends_in_a_verdict() {
    // A folder in the place of the file: the child can't rename its file to that.
    let [tried] = try_all([python(
        "folder = ask('CONFIG GET dir').split('\\r\\n')[4]\nos.mkdir(folder + '/dump.rdb')\n\
         ask('CONFIG SET save \"3600 1000\"')\nask('BGSAVE')\nwait()\n\
         print(ask('SET order paid'))\nprint('done')\n",
    )]);
    tried.falls_short(&["stored", "saved", "succeeded"], &["MISCONF"]);
}

#[test]
fn a_snapshot_that_cannot_be_read_ends_in_a_verdict() {
    let spoil = "folder = ask('CONFIG GET dir').split('\\r\\n')[4]\n";
    let [garbage, folder] = try_all([
        python(&format!("done()\n{spoil}open(folder + '/dump.rdb', 'w').write('nonsense')\n")),
        python(&format!(
            "done()\n{spoil}os.remove(folder + '/dump.rdb')\nos.mkdir(folder + '/dump.rdb')\n"
        )),
    ]);
    for tried in [garbage, folder] {
        tried.falls_short(&["survives"], &["no server starts with this dump.rdb"]);
    }
}

#[test]
fn save_points_end_in_a_verdict() {
    let [instead, after] = try_all([
        redis("CONFIG SET save \"1 1\"\nSET order paid\n"),
        redis(format!("{DONE}CONFIG SET save \"1 1\"\n")),
    ]);
    assert!(instead.verdict.unmet().contains(&"in-background"), "{:#?}", instead.verdict);
    after.passes();
}

#[test]
fn a_log_that_was_silenced_ends_in_a_verdict() {
    let [silenced, for_a_while] = try_all([
        redis(format!("CONFIG SET loglevel warning\n{DONE}")),
        redis(format!("CONFIG SET loglevel warning\n{DONE}CONFIG SET loglevel notice\n")),
    ]);
    for tried in [silenced, for_a_while] {
        tried.falls_short(&["evidence-is-valid"], &["log"]);
    }
}

#[test]
fn a_very_slow_save_ends_in_a_verdict() {
    let fill = "DEL x\nSET a 1\nSET b 1\nSET c 1\nSET d 1\nCONFIG SET rdb-key-save-delay 5000000\n";
    let [background, foreground] = try_all([
        redis(format!("{fill}SET order paid\nBGSAVE\n")),
        redis(format!("{fill}SET order paid\nSAVE\n")),
    ]);
    background.falls_short(&["saved", "succeeded"], &["rdb_bgsave_in_progress 1"]);
    let unmet = foreground.verdict.unmet();
    assert_eq!(unmet.first(), Some(&"ends-well"));
    foreground.falls_short(&unmet, &["still running after 3 s"]);
}
