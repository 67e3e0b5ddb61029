//! Every run cleans up, however it ends.

use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Workspace, has_ended, image, local_server, processes_in, wait_until};

/// Leaves its process group, writes its process id to a file next to itself, then waits.
const SLOW: &str = "import os, redis, sys, time\n\
    redis.Redis().set('a', '1')\n\
    if os.fork(): time.sleep(300)\n\
    os.setsid()\n\
    open(os.path.join(os.path.dirname(__file__), 'pid'), 'w').write(str(os.getpid()))\n\
    time.sleep(300)\n";

struct Running {
    workspace: Workspace,
    child: Child,
    answer: Pid,
}

/// A check whose answer has reached its server.
fn start(server: &str, image: &str) -> Running {
    let workspace = Workspace::new();
    let path = workspace.file("slow.py", SLOW);
    let path = path.to_str().unwrap();
    let child = workspace.start(&[
        "check",
        "creating-snapshots",
        path,
        "--server",
        server,
        "--image",
        image,
    ]);
    let pid = workspace.work().join("pid");
    wait_until("the answer runs", || {
        std::fs::read_to_string(&pid).is_ok_and(|text| !text.is_empty())
    });
    let answer = Pid::from_raw(std::fs::read_to_string(pid).unwrap().parse().unwrap());
    Running { workspace, child, answer }
}

impl Running {
    fn end_by(mut self, signal: Signal) -> Workspace {
        use std::os::unix::process::ExitStatusExt as _;
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), Some(signal as i32));
        wait_until("the answer has ended", || has_ended(self.answer.as_raw()));
        self.workspace
    }
}

/// Each server has a directory in the program's private directory, so an empty folder means that no
/// server is left.
fn assert_cleans_up(signal: Signal) {
    let workspace = start(local_server(), "none").end_by(signal);
    wait_until("the private directory is gone", || workspace.leftovers().is_empty());
    // A killed process stays visible until the system has freed its memory.
    wait_until("no process works there", || processes_in(&workspace).is_empty());
}

#[test]
fn ctrl_c_leaves_nothing() {
    assert_cleans_up(Signal::SIGINT);
}

#[test]
fn sigterm_leaves_nothing() {
    assert_cleans_up(Signal::SIGTERM);
}

#[test]
fn a_closed_terminal_leaves_nothing() {
    assert_cleans_up(Signal::SIGHUP);
}

#[test]
fn sigkill_leaves_nothing_because_of_the_reaper() {
    assert_cleans_up(Signal::SIGKILL);
}

#[test]
fn signals_leave_no_container() {
    let Some(image) = image::for_test("signals_leave_no_container") else { return };
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let running = start("container", image);
        let session = image::session_of(&running.workspace);
        assert_eq!(image::containers_of(&session).len(), 1);
        running.end_by(signal);
        assert_eq!(image::containers_of(&session), Vec::<String>::new(), "after {signal}");
    }
}

#[test]
fn a_container_ends_by_itself_after_sigkill() {
    let name = "a_container_ends_by_itself_after_sigkill";
    let Some(image) = image::for_test(name) else { return };
    let running = start("container", image);
    let session = image::session_of(&running.workspace);
    assert_eq!(image::containers_of(&session).len(), 1);
    running.end_by(Signal::SIGKILL);
    wait_until("the container is gone", || image::containers_of(&session).is_empty());
}

#[test]
fn a_container_that_did_not_end_by_itself_is_removed_at_the_next_start() {
    let name = "a_container_that_did_not_end_by_itself_is_removed_at_the_next_start";
    let Some(image) = image::for_test(name) else { return };
    let running = start("container", image);
    let session = image::session_of(&running.workspace);
    // As if the engine did not notice our end: then nothing in the container notices it either.
    let [id] = &image::containers_of(&session)[..] else { panic!("not one container") };
    image::pause(id);
    let workspace = running.end_by(Signal::SIGKILL);
    wait_until("the private directory is gone", || workspace.leftovers().is_empty());
    assert_eq!(image::containers_of(&session).len(), 1, "a frozen container can't end");
    let answer = workspace.file("a.redis", "SAVE\n");
    let answer = answer.to_str().unwrap();
    workspace.run(&[
        "check",
        "creating-snapshots",
        answer,
        "--server",
        "container",
        "--image",
        image,
    ]);
    wait_until("the container is removed", || image::containers_of(&session).is_empty());
}

#[test]
fn a_running_sessions_container_is_not_removed() {
    let Some(image) = image::for_test("a_running_sessions_container_is_not_removed") else {
        return;
    };
    let running = start("container", image);
    let session = image::session_of(&running.workspace);
    let answer = running.workspace.file("a.redis", "SAVE\n");
    let arguments = [
        "check",
        "creating-snapshots",
        answer.to_str().unwrap(),
        "--server",
        "container",
        "--image",
        image,
    ];
    running.workspace.run(&arguments);
    assert_eq!(image::containers_of(&session).len(), 1);
    running.end_by(Signal::SIGTERM);
}
