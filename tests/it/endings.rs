//! However a run ends, nothing of it is left.

use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Place, image, local_server, processes_in, wait_until};

/// Leaves its process group, writes its process id beside itself, then waits.
const SLOW: &str = "import os, redis, sys, time\nredis.Redis().set('a', '1')\nif os.fork(): time.sleep(300)\nos.setsid()\nopen(os.path.join(os.path.dirname(__file__), 'pid'), 'w').write(str(os.getpid()))\ntime.sleep(300)\n";

struct Running {
    place: Place,
    child: Child,
    answer: Pid,
}

/// A check whose answer has reached its server.
fn start(server: &str, image: &str) -> Running {
    let place = Place::new();
    let path = place.file("slow.py", SLOW);
    let path = path.to_str().unwrap();
    let child =
        place.start(&["check", "creating-snapshots", path, "--server", server, "--image", image]);
    let pid = place.work().join("pid");
    wait_until("the answer runs", || {
        std::fs::read_to_string(&pid).is_ok_and(|text| !text.is_empty())
    });
    let answer = Pid::from_raw(std::fs::read_to_string(pid).unwrap().parse().unwrap());
    Running { place, child, answer }
}

impl Running {
    fn end_by(mut self, signal: Signal) -> Place {
        use std::os::unix::process::ExitStatusExt as _;
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), Some(signal as i32));
        wait_until("the answer has ended", || has_ended(self.answer));
        self.place
    }
}

fn has_ended(pid: Pid) -> bool {
    let zombie = || {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
    };
    kill(pid, None).is_err() || zombie()
}

/// Servers run in the program's private directory, so an empty folder means that none is left: each
/// would hold its own directory there.
fn leaves_nothing(signal: Signal) {
    let place = start(local_server(), "none").end_by(signal);
    wait_until("the private directory is gone", || place.leftovers().is_empty());
    // A process that was killed is seen until the system has taken back its memory.
    wait_until("no process works there", || processes_in(&place).is_empty());
}

#[test]
fn ctrl_c_leaves_nothing() {
    leaves_nothing(Signal::SIGINT);
}

#[test]
fn sigterm_leaves_nothing() {
    leaves_nothing(Signal::SIGTERM);
}

#[test]
fn a_closed_terminal_leaves_nothing() {
    leaves_nothing(Signal::SIGHUP);
}

#[test]
fn sigkill_leaves_nothing_since_the_reaper_sees_it() {
    leaves_nothing(Signal::SIGKILL);
}

#[test]
fn signals_leave_no_container() {
    let Some(image) = image::for_test("signals_leave_no_container") else { return };
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let running = start("container", image);
        let session = image::session_of(&running.place);
        assert_eq!(image::containers_of(&session).len(), 1);
        running.end_by(signal);
        assert_eq!(image::containers_of(&session), Vec::<String>::new(), "after {signal}");
    }
}

#[test]
fn a_container_ends_by_itself_when_sigkill_has_ended_the_program() {
    let name = "a_container_ends_by_itself_when_sigkill_has_ended_the_program";
    let Some(image) = image::for_test(name) else { return };
    let running = start("container", image);
    let session = image::session_of(&running.place);
    assert_eq!(image::containers_of(&session).len(), 1);
    running.end_by(Signal::SIGKILL);
    wait_until("the container is gone", || image::containers_of(&session).is_empty());
}

#[test]
fn a_container_that_did_not_end_by_itself_is_swept_at_the_next_start() {
    let name = "a_container_that_did_not_end_by_itself_is_swept_at_the_next_start";
    let Some(image) = image::for_test(name) else { return };
    let running = start("container", image);
    let session = image::session_of(&running.place);
    // As where the engine does not hear of our end: nothing in the container hears of it either.
    let [id] = &image::containers_of(&session)[..] else { panic!("not one container") };
    image::pause(id);
    let place = running.end_by(Signal::SIGKILL);
    wait_until("the private directory is gone", || place.leftovers().is_empty());
    assert_eq!(image::containers_of(&session).len(), 1, "a frozen container can't end");
    let answer = place.file("a.redis", "SAVE\n");
    let answer = answer.to_str().unwrap();
    place.run(&["check", "creating-snapshots", answer, "--server", "container", "--image", image]);
    wait_until("the container is swept", || image::containers_of(&session).is_empty());
}

#[test]
fn a_running_sessions_container_is_not_swept() {
    let Some(image) = image::for_test("a_running_sessions_container_is_not_swept") else { return };
    let running = start("container", image);
    let session = image::session_of(&running.place);
    let answer = running.place.file("a.redis", "SAVE\n");
    let arguments = [
        "check",
        "creating-snapshots",
        answer.to_str().unwrap(),
        "--server",
        "container",
        "--image",
        image,
    ];
    running.place.run(&arguments);
    assert_eq!(image::containers_of(&session).len(), 1);
    running.end_by(Signal::SIGTERM);
}
