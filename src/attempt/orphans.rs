//! Kills processes that left their program's process group (`setsid`), which are found by a mark in
//! their environment.
//!
//! Linux shows environments in /proc; on macOS `ps -E` does (not tested there).

use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Sends SIGKILL to every process that was started with `mark` (`NAME=value`) in its environment.
/// One that is just starting shows none for a moment: call it once more some time later.
pub fn kill_marked(mark: &str) {
    // An orphan may be starting another process: repeat until a look finds none.
    for _ in 0..10 {
        let found =
            if Path::new("/proc/self/environ").exists() { in_proc(mark) } else { by_ps(mark) };
        if found.is_empty() {
            return;
        }
        for pid in found {
            let _ = kill(pid, Signal::SIGKILL);
        }
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    }
}

fn in_proc(mark: &str) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|&pid| is_marked(pid, mark)).map(Pid::from_raw).collect()
}

/// A zombie's environment is empty and another user's is unreadable; we need to kill neither.
fn is_marked(pid: i32, mark: &str) -> bool {
    std::fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environ| environ.split(|&byte| byte == 0).any(|pair| pair == mark.as_bytes()))
}

fn by_ps(mark: &str) -> Vec<Pid> {
    let output = Command::new("ps")
        .args(["-A", "-E", "-ww", "-o", "pid=,command="])
        .stderr(Stdio::null())
        .output();
    let Ok(output) = output else { return Vec::new() };
    let list = String::from_utf8_lossy(&output.stdout);
    let mut pids = Vec::new();
    for line in list.lines() {
        let mut words = line.split_whitespace();
        let Some(Ok(pid)) = words.next().map(str::parse::<i32>) else { continue };
        if words.any(|word| word == mark) {
            pids.push(Pid::from_raw(pid));
        }
    }
    pids
}
