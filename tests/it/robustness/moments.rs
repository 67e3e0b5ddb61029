//! The same for an exercise that crashes the server at the end of the answer, measures waits, and
//! loads the snapshot alone.

use super::{DONE, Trial, python, redis, try_all_at};

/// Kills the server when the answer ends, loads its snapshot alone, and watches its clients.
const WATCHED: &str = r#"# Watched

## Store it

```toml exercise
id = "watched"
time_limit = "3s"
crash = "exit"

[[check]]
id = "stored"
at = "exit"
reply = { "GET order" = "paid" }

[[check]]
id = "in-the-file"
dump = { keys = ["order"] }

[[check]]
id = "order-of-commands"
sent = { order = ["SET", "BGSAVE"] }

[[check]]
id = "survives"
at = "crash"
reply = { "GET order" = "paid" }
needs = ["stored"]
```

> [!TIP]
> BGSAVE

```redis solution
SET order paid
BGSAVE
@wait-bgsave
```

```python solution
pass
```
"#;

static TRIAL: Trial = Trial::new(WATCHED);

#[test]
fn a_stopped_server_ends_in_a_verdict_where_it_is_crashed() {
    let [paused, script, gone] = try_all_at(
        &TRIAL,
        [
            redis(format!("{DONE}CLIENT PAUSE 60000 ALL\n")),
            python(
                "done()\nfirst.sendall(b'EVAL \"while true do end\" 0\\r\\n')\ntime.sleep(0.5)\n",
            ),
            redis(format!("{DONE}SHUTDOWN NOSAVE\n")),
        ],
    );
    // The crash and the file prove that the paused answer did the task. What the script does with
    // the key is unknown.
    paused.passes();
    script.is_open();
    gone.falls_short(&["evidence-is-valid"], &["the server is gone", "SHUTDOWN"]);
}

#[test]
fn a_snapshot_that_cannot_be_read_ends_in_a_verdict_where_it_is_loaded_alone() {
    let spoil = "done()\nfile = ask('CONFIG GET dir').split('\\r\\n')[4] + '/dump.rdb'\n";
    let [garbage, folder] = try_all_at(
        &TRIAL,
        [
            python(&format!("{spoil}open(file, 'w').write('nonsense')\n")),
            python(&format!("{spoil}os.remove(file)\nos.mkdir(file)\n")),
        ],
    );
    garbage.falls_short(&["in-the-file", "survives"], &["no server starts with this dump.rdb"]);
    folder.falls_short(&["in-the-file", "survives"], &["no server starts with this dump.rdb"]);
}

#[test]
fn locks_and_connections_change_no_verdict_where_the_server_is_crashed() {
    let [locked, killed, many] = try_all_at(
        &TRIAL,
        [
            redis(format!("{DONE}CONFIG SET requirepass secret\nACL SETUSER default reset\n")),
            redis(format!("{DONE}CONFIG SET timeout 1\nCLIENT KILL TYPE normal\n")),
            python("many = [connect() for _ in range(500)]\ndone()\n"),
        ],
    );
    locked.passes();
    killed.passes();
    many.passes();
}

#[test]
fn a_program_without_an_end_ends_in_a_verdict_where_the_server_is_crashed() {
    let [silent, busy] = try_all_at(
        &TRIAL,
        [
            python("done()\nwhile True: time.sleep(1)\n"),
            python("done()\nwhile True: ask('INCR n')\n"),
        ],
    );
    for tried in [silent, busy] {
        let unmet = tried.verdict.unmet();
        assert_eq!(unmet.first(), Some(&"ends-well"));
        tried.falls_short(&unmet, &["still running after 3 s"]);
    }
}
