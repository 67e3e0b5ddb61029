//! `verify` on servers of several versions, and the differences between the versions.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use redis::Value;
use redislings::redis_cli::{commands, reply};
use redislings::server::versions::{self, ServerVersion};
use redislings::server::{BgsaveEnd, Server, ServerInfo, Source, by_version, log};
use redislings::topics;

use crate::support::redis_server::{default_user, of_several_versions};
use crate::support::{Ended, Workspace, image};

const LIMIT: Duration = Duration::from_secs(5);
/// An exercise about a background save, with BGSAVE inside MULTI as its solution.
const LESSON: &str = "# L\n\n\
    ## E\n\n\
    ```toml exercise\n\
    id = \"e\"\n\n\
    [[check]]\n\
    id = \"saved\"\n\
    calls = { bgsave = 1 }\n\n\
    [[check]]\n\
    id = \"ended\"\n\
    info = { rdb_bgsave_in_progress = 0, rdb_last_bgsave_status = \"ok\" }\n\
    ```\n\n\
    > [!TIP]\n\
    > look\n\n\
    ```redis solution\n\
    MULTI\n\
    BGSAVE\n\
    EXEC\n\
    @wait-bgsave\n\
    ```\n\n\
    ```redis wrong fails=saved\n\
    SAVE\n\
    ```\n";

/// [`LESSON`] with a known wrong answer that passes.
fn broken_lesson() -> String {
    LESSON.replace("fails=saved\nSAVE", "fails=saved\nBGSAVE\n@wait-bgsave")
}

fn workspace_with(lesson: &str, servers: &[&str]) -> Workspace {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", lesson);
    workspace.file("course/course.toml", format!("format = 1\n[server]\nversions = {servers:?}\n"));
    workspace
}

fn names() -> Vec<String> {
    of_several_versions().into_iter().map(|(name, _)| name).collect()
}

/// Verifies on all servers of the course. Returns the JSON report and the run.
fn matrix(workspace: &Workspace, more: &[&str]) -> (serde_json::Value, Ended) {
    let mut arguments = vec![
        "verify",
        "--no-mutants",
        "--lessons",
        "course",
        "--server-matrix",
        "--format",
        "json",
    ];
    arguments.extend(more);
    let ended = workspace.run(&arguments);
    let json = serde_json::from_str(&ended.stdout);
    (json.unwrap_or_else(|error| panic!("{error} in {ended:?}")), ended)
}

/// Every server of the matrix passed and has the wanted version.
fn assert_all_passed(matrix: &serde_json::Value, wanted: &[String], kinds: &[&str]) {
    let servers = matrix["servers"].as_array().unwrap();
    assert_eq!((servers.len(), &matrix["outcome"]), (wanted.len(), &"passed".into()), "{matrix:#}");
    for (server, wanted) in servers.iter().zip(wanted) {
        assert_eq!(server["wanted"], **wanted);
        let (runs, kind) = server["server"].as_str().unwrap().rsplit_once(' ').unwrap();
        assert!(ServerVersion::parse(wanted).unwrap().is_met_by(runs), "{wanted}: {runs}");
        assert!(kinds.contains(&kind), "{kind}");
        assert_eq!(server["outcome"], "passed", "{server:#}");
        assert_eq!(server["cases"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn the_course_is_verified_on_processes_of_every_version_it_names() {
    let names = names();
    let workspace = workspace_with(LESSON, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let (json, ended) = matrix(&workspace, &["--server", "process"]);
    assert_all_passed(&json, &names, &["(process)", "(bundled)"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(workspace.leftovers(), [""; 0]);
}

#[test]
fn the_course_is_verified_in_containers_of_every_version_it_names() {
    let test = "the_course_is_verified_in_containers_of_every_version_it_names";
    let Some(template) = image::of_several_versions_for_test(test) else { return };
    let names = names();
    let workspace = workspace_with(LESSON, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let (json, ended) = matrix(&workspace, &["--server", "container", "--image", template]);
    assert_all_passed(&json, &names, &["(container)"]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn an_unavailable_version_is_unchecked_and_the_others_run() {
    let workspace = workspace_with(LESSON, &["redis 1.0", "valkey 9"]);
    let (json, ended) = matrix(&workspace, &["--server", "process"]);
    assert_eq!((ended.code, &json["outcome"]), (3, &"unchecked".into()), "{json:#}");
    let (missing, other) = (&json["servers"][0], &json["servers"][1]);
    assert_eq!(missing["outcome"], "unchecked");
    assert!(missing["reason"].as_str().unwrap().starts_with("no redis 1.0 can be started here"));
    assert_eq!((&other["outcome"], other.get("reason")), (&"passed".into(), None), "{other:#}");
    assert_eq!(ended.stderr.matches("error: no redis 1.0").count(), 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("help: put a server of that version on PATH"),
        "{}",
        ended.stderr
    );
}

#[test]
fn human_output_has_a_heading_and_a_line_per_server() {
    let workspace = workspace_with(LESSON, &["valkey 9", "redis 1.0"]);
    let ended = workspace.run(&[
        "verify",
        "--no-mutants",
        "--lessons",
        "course",
        "--server-matrix",
        "--server",
        "bundled",
    ]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stdout.contains("\nvalkey 9\n"), "{}", ended.stdout);
    let last = "\nredis 1.0: 0 of 3 cases passed, on no server; 3 not run\n";
    assert!(ended.stdout.ends_with(last), "{}", ended.stdout);
    let other = "\nvalkey 9: 3 of 3 cases passed, on valkey 9.1.2 (bundled); ";
    assert!(ended.stdout.contains(other), "{}", ended.stdout);
}

#[test]
fn a_case_that_failed_on_a_version_is_repeated_on_it() {
    let workspace = workspace_with(&broken_lesson(), &["redis 1.0", "valkey 9"]);
    let (json, ended) = matrix(&workspace, &["--server", "process"]);
    assert_eq!((ended.code, &json["outcome"]), (1, &"failed".into()), "{json:#}");
    let cases = json["servers"][1]["cases"].as_array().unwrap();
    let failed: Vec<_> = cases.iter().filter(|case| case["outcome"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{json:#}");
    let repeat = failed[0]["repeat"].as_str().unwrap();
    let words = shell_words(repeat.strip_prefix("redislings ").unwrap());
    let again = workspace.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(again.code, 1, "{repeat}: {again:?}");
    assert!(again.stdout.contains("0 of 1 cases passed, on valkey 9."), "{again:?}");
    assert!(again.stdout.contains(repeat), "{again:?}");
}

fn shell_words(text: &str) -> Vec<String> {
    let output =
        Command::new("sh").args(["-c", &format!("printf '%s\\n' {text}")]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn an_image_with_a_wrong_tag_is_refused() {
    let test = "an_image_with_a_wrong_tag_is_refused";
    let Some(_) = image::of_several_versions_for_test(test) else { return };
    let workspace = workspace_with(LESSON, &["redis 6.2", "valkey 9"]);
    let image = "redislings-local/valkey:9";
    let (json, ended) = matrix(&workspace, &["--server", "container", "--image", image]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let reason = json["servers"][0]["reason"].as_str().unwrap();
    let lie = format!("no redis 6.2 can be started here: the image `{image}` has valkey 9.");
    assert!(reason.starts_with(&lie), "{reason}");
    assert_eq!(json["servers"][1]["outcome"], "passed", "{json:#}");
}

#[test]
fn a_missing_image_is_reported() {
    let test = "a_missing_image_is_reported";
    let Some(_) = image::of_several_versions_for_test(test) else { return };
    let workspace = workspace_with(LESSON, &["valkey 9"]);
    let image = "redislings-local/none-{server}:{version}";
    let (json, ended) = matrix(&workspace, &["--server", "container", "--image", image]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let reason = json["servers"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("`redislings-local/none-valkey:9` can't be pulled"), "{reason}");
}

#[test]
fn auto_falls_back_if_no_image_has_the_version() {
    let image = "redislings-local/none-{server}:{version}";
    let workspace = workspace_with(LESSON, &["valkey 9"]);
    let (json, ended) = matrix(&workspace, &["--server", "auto", "--image", image]);
    assert_all_passed(&json, &["valkey 9".to_owned()], &["(process)", "(bundled)"]);
    assert!(ended.stderr.contains("; no container, since "), "{}", ended.stderr);
}

fn assert_usage_error(workspace: &Workspace, arguments: &[&str], expected: &str) {
    let verify = ["verify", "--no-mutants", "--lessons", "course"];
    let ended = workspace.run(&[&verify[..], arguments].concat());
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
}

#[test]
fn invalid_matrix_options_are_usage_errors() {
    let workspace = workspace_with(LESSON, &[]);
    assert_usage_error(&workspace, &["--server-matrix"], "the course `course` names no servers");
    assert_usage_error(
        &workspace,
        &["--server-matrix", "--server", "redis://127.0.0.1:1"],
        "each case needs a fresh one",
    );
    assert_usage_error(
        &workspace,
        &["--server-version", "redis7"],
        "`redis7` is not a server and its version",
    );
    assert_usage_error(
        &workspace,
        &["--server-matrix", "--server-version", "redis 7"],
        "cannot be used with",
    );
    let image = ["--server", "container", "--image", "own/{server}:{version}"];
    assert_usage_error(&workspace, &image, "is a template, which needs a server version");
}

#[test]
fn every_server_describes_its_commands_as_the_table_does() {
    for (name, program) in of_several_versions() {
        let source = Source::Process { program, bundled: false };
        let mut server = Server::start(&source, &[]).unwrap();
        let reply = server.client().call(&["COMMAND"], LIMIT).unwrap();
        for described in items(&reply) {
            is_in_the_table(&name, described);
        }
    }
}

/// The table describes a command with subcommands as the newest Redis does; others may differ.
fn is_in_the_table(server: &str, described: &Value) {
    let fields = items(described);
    let name = reply::format(&fields[0]).trim_matches('"').to_lowercase();
    let known = commands::find(&name);
    let known = known.unwrap_or_else(|| panic!("{server}: `{name}` is not in the table"));
    for subcommand in fields.get(9).map(items).unwrap_or_default() {
        is_in_the_table(server, subcommand);
    }
    if commands::has_subcommands(&name) {
        return;
    }
    let flags: Vec<String> = items(&fields[2]).iter().map(reply::format).collect();
    for flag in ["write", "readonly", "denyoom", "admin"] {
        let has = flags.iter().any(|given| given == flag);
        assert_eq!(known.has(flag), has, "{server}: `{flag}` of `{name}`");
    }
    // Redis 6.2 does not say where MIGRATE has its key.
    let positions: Vec<String> = fields[3..6].iter().map(reply::format).collect();
    let differs = positions != known.positions().map(|number| format!("(integer) {number}"));
    assert!(!differs || name == "migrate", "{server}: the keys of `{name}`: {positions:?}");
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) | Value::Set(items) => items,
        _ => &[],
    }
}

/// The table in `src/server/versions.rs`, checked on the servers of this machine.
#[test]
fn versions_differ_as_documented() {
    for (name, program) in of_several_versions() {
        let source = Source::Process { program, bundled: false };
        let mut server = Server::start(&source, &[]).unwrap();
        let runs = server.version().to_owned();
        let is = |version: &str| ServerVersion::parse(version).unwrap().is_met_by(&runs);
        let is_6 = is("redis 6");
        let before = server.info(LIMIT).unwrap();
        let mut answer = default_user(&server);
        let mut call = |words: &str| {
            let words: Vec<&str> = words.split(' ').collect();
            reply::format(&answer.call(&words, LIMIT).unwrap())
        };
        call("MULTI");
        assert_eq!(call("SAVE") == "QUEUED", is_6, "{name}: SAVE inside MULTI");
        assert_eq!(call("EXEC").contains("OK"), is_6, "{name}: SAVE inside MULTI");
        call("MULTI");
        call("BGSAVE");
        let begun = call("EXEC").contains("Background saving started");
        assert_eq!(begun, is_6, "{name}: BGSAVE inside MULTI");
        for refused in ["DEBUG JMAP", "MODULE LIST"] {
            assert!(call(refused).contains("(error) "), "{name}: {refused}");
        }
        assert_eq!(call("CONFIG SET dir .") == "OK", is_6, "{name}: CONFIG SET dir");
        let cancels = !call("BGSAVE CANCEL").contains("syntax error");
        assert_eq!(cancels, is("valkey 8.1") || is("valkey 9"), "{name}: BGSAVE CANCEL");
        let modules = server.client().call(&["MODULE", "LIST"], LIMIT).unwrap();
        let has_module = reply::format(&modules).contains("name");
        assert_eq!(has_module, is("redis 8") || is("valkey 9"), "{name}: a module");
        let tells_arguments = call("NOSUCH").contains("with args beginning with");
        assert!(tells_arguments || is("redis 8"), "{name}: an unknown command");
        assert!(!tells_arguments || !is("redis 8.6"), "{name}: an unknown command");
        call("CONFIG GET dir");
        server.client().call(&["CONFIG", "GET", "dir"], LIMIT).unwrap();
        let now = server.info(LIMIT).unwrap();
        for field in ["rdb_saves", "aof_rewrites", "cmdstat_config|get"] {
            assert_eq!(now.field(field).is_none(), is_6, "{name}: {field}");
        }
        assert_eq!(now.field("cmdstat_config").is_some(), is_6, "{name}");
        for (command, expected) in [
            ("config", 1 + i64::from(is_6)),
            ("config|get", i64::from(!is_6)),
            ("save", i64::from(is_6)),
        ] {
            let calls = now.successful_calls(command) - before.successful_calls(command);
            assert_eq!(calls, expected, "{name}: {command}");
        }
        let own_at_start = before.successful_calls("config|get");
        assert_eq!(own_at_start != 0, is("valkey 9"), "{name}: {own_at_start}");
        assert!(is(&name), "{name}: {runs}");
    }
}

#[test]
fn doctor_lists_every_server_on_path_with_its_version() {
    let ended = Workspace::new().run(&["doctor"]);
    for program in by_version::programs() {
        let version = by_version::version_of(&program).unwrap();
        let expected = format!("{} ({version})", program.display());
        assert!(ended.stdout.contains(&expected), "{expected} is missing in:\n{}", ended.stdout);
    }
}

#[test]
fn aof_rewrites_do_not_count_as_saves_on_any_version() {
    for (name, program) in of_several_versions() {
        let source = Source::Process { program, bundled: false };
        let mut server = Server::start(&source, &[]).unwrap();
        let before = server.info(LIMIT).unwrap();
        // As an answer would, because commands of the checker are not counted.
        let mut answer = default_user(&server);
        answer.call(&["BGREWRITEAOF"], LIMIT).unwrap();
        crate::support::wait_until("the rewrite has ended", || {
            let now = server.info(LIMIT).unwrap();
            now.number("total_forks") > before.number("total_forks")
                && now.number("aof_rewrite_in_progress") == 0
        });
        let now = server.info(LIMIT).unwrap();
        assert_eq!(versions::forks_for_saves(&now), 0, "{name}");
    }
}

/// A lesson may use every INFO field: an unknown name would look like a typing error.
#[test]
fn every_field_of_info_is_known_to_lessons() {
    for (name, program) in of_several_versions() {
        let source = Source::Process { program, bundled: false };
        let mut server = Server::start(&source, &[]).unwrap();
        let names = field_names(&mut server, "INFO everything");
        assert!(names.len() > 100, "{name}: {names:?}");
        let wanted: Vec<_> = names.iter().map(|field| format!("{field:?} = 1")).collect();
        let usual = "rdb_bgsave_in_progress = 0, rdb_last_bgsave_status = \"ok\"";
        let lesson = LESSON.replace(usual, &wanted.join(", "));
        let ended = workspace_with(&lesson, &[]).run(&["list", "--lessons", "course"]);
        assert!(!ended.stderr.contains("unknown INFO field"), "{name}: {}", ended.stderr);
        assert_eq!(ended.code, 0, "{name}: {ended:?}");
    }
}

#[test]
fn a_look_beside_an_answer_shows_all_of_info_but_its_latencies() {
    for (name, program) in of_several_versions() {
        let source = Source::Process { program, bundled: false };
        let mut server = Server::start(&source, &[]).unwrap();
        let line = versions::info_for(Some(&["used_memory"]), &server.info(LIMIT).unwrap());
        let all = field_names(&mut server, "INFO all");
        let mut left_out = &all - &field_names(&mut server, line);
        let is_6 = name.starts_with("redis 6");
        assert_eq!(line == "INFO all", is_6, "{name}");
        let has_several = server.client().call(&["INFO", "server", "clients"], LIMIT).unwrap();
        assert_eq!(matches!(has_several, Value::ServerError(_)), is_6, "{name}");
        assert_eq!(left_out.is_empty(), is_6, "{name}");
        left_out.retain(|field| !field.starts_with("latency_percentiles_usec_"));
        assert!(left_out.is_empty(), "{name}: {left_out:?}");
    }
}

#[test]
fn a_look_at_replies_shows_the_keys_and_the_background_work_that_info_all_shows() {
    for (name, program) in of_several_versions() {
        let source = Source::Process { program, bundled: false };
        let mut server = Server::start(&source, &[]).unwrap();
        let line = versions::info_for(None, &server.info(LIMIT).unwrap());
        for line in ["SET k 1 EX 100", "SAVE", "BGREWRITEAOF", "BGSAVE SCHEDULE"] {
            let words: Vec<&str> = line.split(' ').collect();
            server.client().call(&words, LIMIT).unwrap();
        }
        // A rewrite ends, and a scheduled save begins, between one question and the next.
        let deadline = Instant::now() + LIMIT;
        let (seen, all) = loop {
            let (seen, _) = ServerInfo::take_with(server.client(), line, &[], LIMIT).unwrap();
            let all = ServerInfo::take(server.client(), LIMIT).unwrap();
            if (read(&seen) == read(&all) && begun(&all) == 2) || Instant::now() > deadline {
                break (seen, all);
            }
        };
        assert_eq!(read(&seen), read(&all), "{name}");
        assert_eq!(begun(&all), 2, "{name}");
        assert!(all.has_keys_that_expire(), "{name}");
    }
}

/// What is read of each look beside an answer.
fn read(info: &ServerInfo) -> (&str, bool, Vec<(i64, bool)>) {
    let works = topics::background().map(|work| ((work.begun)(info), (work.is_running)(info)));
    (info.run_id(), info.has_keys_that_expire(), works.collect())
}

fn begun(info: &ServerInfo) -> i64 {
    topics::background().map(|work| (work.begun)(info)).sum()
}

fn field_names(server: &mut Server, line: &str) -> BTreeSet<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let info = reply::format_reply_to(&words, &server.client().call(&words, LIMIT).unwrap());
    let fields = info.lines().filter(|line| !line.starts_with('#'));
    fields.filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect()
}

/// The texts that diagnoses and the log parser look for.
#[test]
fn refusals_and_logs_say_the_same_on_every_version() {
    for (name, program) in of_several_versions() {
        let is_6 = name.starts_with("redis 6");
        let source = Source::Process { program, bundled: false };
        let server = Server::start(&source, &[]).unwrap();
        let mut answer = default_user(&server);
        let mut call = |words: &[&str]| reply::format(&answer.call(words, LIMIT).unwrap());
        call(&["MULTI"]);
        let refused = call(&["SAVE"]);
        assert!(is_6 || refused.contains("not allowed inside a transaction"), "{name}: {refused}");
        call(&["DISCARD"]);
        let refused = call(&["EVAL", "return redis.call('BGSAVE')", "0"]);
        assert!(is_6 || refused.contains("not allowed from script"), "{name}: {refused}");
        call(&["BGSAVE"]);
        crate::support::wait_until("the log shows the end of the save", || {
            log::bgsave_ends(&server.log().unwrap()) == [BgsaveEnd::Succeeded]
        });
        assert_eq!(log::child_ends(&server.log().unwrap()), 1, "{name}");
    }
}

#[test]
fn a_rejected_snapshot_file_is_explained_on_every_version() {
    for (name, program) in of_several_versions() {
        let source = Source::Process { program, bundled: false };
        for (dump, why) in [
            (&b"this is no snapshot"[..], "Wrong signature"),
            (b"REDIS0006\xfe", "reading RDB file"),
            (
                b"REDIS9999 of tomorrow",
                if name.starts_with('v') { "Wrong" } else { "version 9999" },
            ),
        ] {
            let error = Server::start_from_dump(&source, &[], dump).unwrap_err();
            assert!(error.fact.contains(log::DUMP_NOT_LOADED), "{name}: {}", error.fact);
            assert!(error.fact.contains(why), "{name}: {}", error.fact);
        }
    }
}

#[test]
fn every_server_takes_each_of_several_save_points() {
    for (name, program) in of_several_versions() {
        let source = Source::Process { program, bundled: false };
        let settings = [("save".to_owned(), "3600 1 60 1000".to_owned())];
        let mut server = Server::start(&source, &settings).unwrap();
        let reply = server.client().call(&["CONFIG", "GET", "save"], LIMIT).unwrap();
        assert!(reply::format(&reply).contains("3600 1 60 1000"), "{name}: {reply:?}");
    }
}
