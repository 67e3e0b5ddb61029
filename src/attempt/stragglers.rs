//! Processes that left their program's process group (`setsid`), found by a mark in their environment.
//!
//! Linux shows environments in /proc; elsewhere `ps -E` does (macOS; not tested there).

use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// SIGKILL to every process whose environment has `mark` (`NAME=value`) as it was when it started.
pub fn kill_marked(mark: &str) {
    // A straggler may be starting another one, and one that is just being started shows no environment for a
    // moment: look again until none is left, twice.
    let mut empty_looks = 0;
    for _ in 0..10 {
        let found =
            if Path::new("/proc/self/environ").exists() { in_proc(mark) } else { by_ps(mark) };
        empty_looks = if found.is_empty() { empty_looks + 1 } else { 0 };
        if empty_looks == 2 {
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
    // A zombie's environment is empty, another user's can't be read: neither is ours to kill.
    let is_marked = |pid: &i32| {
        std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environ| {
            environ.split(|&byte| byte == 0).any(|pair| pair == mark.as_bytes())
        })
    };
    pids.filter(is_marked).map(Pid::from_raw).collect()
}

fn by_ps(mark: &str) -> Vec<Pid> {
    let output = Command::new("ps")
        .args(["-A", "-E", "-ww", "-o", "pid=,command="])
        .stderr(Stdio::null())
        .output();
    let Ok(output) = output else { return Vec::new() };
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    let marked = list.lines().filter(|line| line.split_whitespace().any(|word| word == mark));
    marked
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .map(Pid::from_raw)
        .collect()
}
