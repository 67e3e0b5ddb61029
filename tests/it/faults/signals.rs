//! Signals to a run with many jobs.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{LESSON, Running, in_front_of, place, verify};
use crate::support::{Place, image, processes_in, redis_server, wait_until};

/// Ends a run by each of the signals; `more` gives it a server. Its half-written stream is no report.
fn leaves_nothing_but_half_a_stream(more: &[&str], left: impl Fn(&str) -> bool) {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
        let place = place(LESSON);
        let more = [&["--no-mutants", "--report", "jsonl=r.jsonl"], more].concat();
        let running = Running::waits(&place, verify(&place, &more));
        let stream = place.work().join("r.jsonl");
        wait_until("a case has ended", || {
            std::fs::read_to_string(&stream).is_ok_and(|it| it.lines().count() > 1)
        });
        let session = image::session_of(&place);
        leaves_nothing(running, signal);
        wait_until("its containers are gone", || !left(&session));
        is_no_report(&place);
    }
}

/// Ends a run, whose waiting cases have begun, by a signal.
fn leaves_nothing(mut running: Running<'_>, signal: Signal) {
    let children = running.children(&[""]);
    kill(running.pid(), signal).unwrap();
    let status = running.child.wait().unwrap();
    assert_eq!(status.signal(), Some(signal as i32), "{status}");
    wait_until("the private directory is gone", || running.place.leftovers().is_empty());
    wait_until("its processes have ended", || !children.iter().copied().any(runs));
}

fn runs(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    kill(pid, None).is_ok() && !stat.is_ok_and(|it| it.contains(") Z "))
}

fn is_no_report(place: &Place) {
    let merged = place.run(&["merge", "r.jsonl"]);
    assert_eq!(merged.code, 3, "{merged:?}");
    assert!(merged.stdout.contains("could not be checked: "), "{merged:?}");
}

#[test]
fn signals_to_many_jobs_leave_nothing() {
    leaves_nothing_but_half_a_stream(&[], |_| false);
}

#[test]
fn signals_to_many_jobs_in_a_container_leave_nothing() {
    let name = "signals_to_many_jobs_in_a_container_leave_nothing";
    let Some(image) = image::for_test(name) else { return };
    let more = ["--server", "container", "--image", image];
    leaves_nothing_but_half_a_stream(&more, |session| !image::containers_of(session).is_empty());
}

#[test]
fn without_its_reaper_a_signal_leaves_nothing_either() {
    let place = place(LESSON);
    let running = Running::waits(&place, verify(&place, &["--no-mutants"]));
    running.kill_children(&["redislings-reaper"]);
    leaves_nothing(running, Signal::SIGINT);
}

/// A Ctrl-C that comes while the reaper is being started, before it has a process group of its own.
#[test]
fn a_reaper_that_was_interrupted_at_its_birth_is_replaced() {
    let place = place(LESSON);
    let once = "mkdir \"$FLAGS/interrupted\" 2>/dev/null && kill -s INT $$";
    let path = in_front_of(Path::new("/bin/sh"), &place, "sh", once);
    let mut command = verify(&place, &["--no-mutants"]);
    command.env("PATH", path);
    let running = Running::waits(&place, command);
    assert!(place.work().join("flags/interrupted").exists());
    leaves_nothing(running, Signal::SIGKILL);
}

/// Such as one that was started at the very moment of the signal: nobody knows its process group.
#[test]
fn sigkill_leaves_no_server_that_the_reaper_was_not_told_of() {
    let place = place(LESSON);
    let apart = format!("exec setsid -w '{}' \"$@\"", redis_server::program().display());
    let path = in_front_of(&redis_server::program(), &place, "redis-server", &apart);
    let mut command = verify(&place, &["--no-mutants", "--server", "process"]);
    command.env("PATH", path);
    let running = Running::waits(&place, command);
    leaves_nothing(running, Signal::SIGKILL);
    wait_until("no process works there", || processes_in(&place).is_empty());
}

#[test]
fn what_a_run_left_that_was_killed_with_its_reaper_goes_at_the_next_start() {
    let place = place(LESSON);
    let mut running = Running::waits(&place, verify(&place, &["--no-mutants"]));
    let children = running.children(&[""]);
    running.kill_children(&["redislings-reaper"]);
    kill(running.pid(), Signal::SIGKILL).unwrap();
    running.child.wait().unwrap();
    assert!(!place.leftovers().is_empty());
    let mut living = Running::waits(&place, verify(&place, &["--no-mutants"]));
    wait_until("only the run that lives is left", || place.leftovers().len() == 1);
    wait_until("its processes have ended", || !children.iter().copied().any(runs));
    leaves_nothing_of(&mut living);
}

/// The run that swept is not harmed by what it swept.
fn leaves_nothing_of(running: &mut Running<'_>) {
    kill(running.pid(), Signal::SIGTERM).unwrap();
    running.child.wait().unwrap();
    wait_until("the private directory is gone", || running.place.leftovers().is_empty());
}
