//! Signals to a run with many jobs.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use super::{LESSON, Running, in_front_of, verify, workspace};
use crate::support::{Workspace, has_ended, image, processes_in, redis_server, wait_until};

/// Ends a run with each signal; `more` chooses its server. The unfinished stream is not a valid
/// report.
fn assert_signals_clean_up(more: &[&str], left: impl Fn(&str) -> bool) {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
        let workspace = workspace(LESSON);
        let more = [&["--no-mutants", "--report", "jsonl=r.jsonl"], more].concat();
        let running = Running::waits(&workspace, verify(&workspace, &more));
        let stream = workspace.work().join("r.jsonl");
        wait_until("a case has ended", || {
            std::fs::read_to_string(&stream).is_ok_and(|text| text.lines().count() > 1)
        });
        let session = image::session_of(&workspace);
        assert_signal_cleans_up(running, signal);
        wait_until("its containers are gone", || !left(&session));
        assert_no_report(&workspace);
    }
}

/// Ends a run with a signal after its waiting cases have begun.
fn assert_signal_cleans_up(mut running: Running<'_>, signal: Signal) {
    let children = running.children(&[""]);
    kill(running.pid(), signal).unwrap();
    let status = running.child.wait().unwrap();
    assert_eq!(status.signal(), Some(signal as i32), "{status}");
    wait_until("the private directory is gone", || running.workspace.leftovers().is_empty());
    wait_until("its processes have ended", || children.iter().all(|pid| has_ended(pid.as_raw())));
}

fn assert_no_report(workspace: &Workspace) {
    let merged = workspace.run(&["merge", "r.jsonl"]);
    assert_eq!(merged.code, 3, "{merged:?}");
    assert!(merged.stdout.contains("could not be checked: "), "{merged:?}");
}

#[test]
fn signals_to_many_jobs_leave_nothing() {
    assert_signals_clean_up(&[], |_| false);
}

#[test]
fn signals_to_many_jobs_in_a_container_leave_nothing() {
    let name = "signals_to_many_jobs_in_a_container_leave_nothing";
    let Some(image) = image::for_test(name) else { return };
    let more = ["--server", "container", "--image", image];
    assert_signals_clean_up(&more, |session| !image::containers_of(session).is_empty());
}

#[test]
fn an_interrupted_run_reports_what_it_found() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let workspace = workspace(LESSON);
        let mut more = vec!["--no-mutants"];
        for report in ["human=h.txt", "junit=j.xml", "github=g.txt", "jsonl=r.jsonl"] {
            more.extend(["--report", report]);
        }
        let mut running = Running::waits(&workspace, verify(&workspace, &more));
        let file = |name: &str| std::fs::read_to_string(workspace.work().join(name));
        wait_until("a case has ended", || {
            file("r.jsonl").is_ok_and(|text| text.lines().count() > 1)
        });
        let sent = Instant::now();
        kill(running.pid(), signal).unwrap();
        let status = running.child.wait().unwrap();
        assert_eq!(status.signal(), Some(signal as i32), "{status}");
        assert!(sent.elapsed() < Duration::from_secs(30), "{:?}", sent.elapsed());
        let human = file("h.txt").unwrap();
        assert!(
            human.contains("interrupted: ") && human.contains(" of 8 cases have run"),
            "{human}"
        );
        assert!(human.contains(" not run\n"), "{human}");
        let junit = file("j.xml").unwrap();
        assert!(junit.ends_with("</testsuites>\n"), "{junit}");
        assert!(junit.contains("not run: the run ended early"), "{junit}");
        let github = file("g.txt").unwrap();
        assert!(github.contains("::could not be checked: interrupted: "), "{github}");
        assert_no_report(&workspace);
    }
}

#[test]
fn a_signal_without_the_reaper_leaves_nothing() {
    let workspace = workspace(LESSON);
    let running = Running::waits(&workspace, verify(&workspace, &["--no-mutants"]));
    running.kill_children(&["redislings-reaper"]);
    assert_signal_cleans_up(running, Signal::SIGINT);
}

/// Ctrl-C while the reaper starts, before it has its own process group.
#[test]
fn a_reaper_interrupted_at_its_start_is_replaced() {
    let workspace = workspace(LESSON);
    let once = "mkdir \"$FLAGS/interrupted\" 2>/dev/null && kill -s INT $$";
    let path = in_front_of(Path::new("/bin/sh"), &workspace, "sh", once);
    let mut command = verify(&workspace, &["--no-mutants"]);
    command.env("PATH", path);
    let running = Running::waits(&workspace, command);
    assert!(workspace.work().join("flags/interrupted").exists());
    assert_signal_cleans_up(running, Signal::SIGKILL);
}

/// For example a server that starts at the moment of the signal: nobody knows its process group.
#[test]
fn sigkill_leaves_no_server_that_the_reaper_was_not_told_of() {
    let workspace = workspace(LESSON);
    let apart = format!("exec setsid -w '{}' \"$@\"", redis_server::program().display());
    let path = in_front_of(&redis_server::program(), &workspace, "redis-server", &apart);
    let mut command = verify(&workspace, &["--no-mutants", "--server", "process"]);
    command.env("PATH", path);
    let running = Running::waits(&workspace, command);
    assert_signal_cleans_up(running, Signal::SIGKILL);
    wait_until("no process works there", || processes_in(&workspace).is_empty());
}

#[test]
fn the_next_start_cleans_up_after_a_killed_run_and_reaper() {
    let workspace = workspace(LESSON);
    let mut running = Running::waits(&workspace, verify(&workspace, &["--no-mutants"]));
    let children = running.children(&[""]);
    running.kill_children(&["redislings-reaper"]);
    kill(running.pid(), Signal::SIGKILL).unwrap();
    running.child.wait().unwrap();
    assert!(!workspace.leftovers().is_empty());
    let mut living = Running::waits(&workspace, verify(&workspace, &["--no-mutants"]));
    wait_until("only the living run is left", || workspace.leftovers().len() == 1);
    wait_until("its processes have ended", || children.iter().all(|pid| has_ended(pid.as_raw())));
    assert_sigterm_cleans_up(&mut living);
}

/// The run that cleaned up still ends without leftovers.
fn assert_sigterm_cleans_up(running: &mut Running<'_>) {
    kill(running.pid(), Signal::SIGTERM).unwrap();
    running.child.wait().unwrap();
    wait_until("the private directory is gone", || running.workspace.leftovers().is_empty());
}
