//! Programs that never end, leave something behind, or speak to nobody as they should.

use std::path::Path;
use std::process::Command;

use super::{LESSON, python, try_all, try_all_patiently};
use crate::support::{Place, wait_until};

#[test]
fn huge_output_changes_no_verdict() {
    let [long_lines, short_lines, no_line] = try_all_patiently([
        python("for _ in range(50): print('x' * 2_000_000)\ndone()\n"),
        python("done()\nfor _ in range(50): sys.stdout.write('x\\n' * 1_000_000)\n"),
        python("for _ in range(50): sys.stderr.write('x' * 2_000_000)\ndone()\n"),
    ]);
    long_lines.passes();
    short_lines.passes();
    no_line.passes();
}

#[test]
fn output_without_a_line_end_or_without_anything_ends_in_a_verdict() {
    let task = "ask('SET order paid')\nask('BGSAVE')\nwait()\n";
    let [no_line_end, nothing, closed] = try_all_patiently([
        python(&format!("{task}print('done', end='')\n")),
        python(task),
        python("done()\nos.close(1)\nos.close(2)\n"),
    ]);
    no_line_end.passes();
    nothing.falls_short(&["says-so"], &["it printed nothing"]);
    closed.passes();
}

#[test]
fn a_program_without_an_end_ends_in_a_verdict() {
    let [at_once, after_the_task, deaf, halted, noisy] = try_all([
        python("while True: pass\n"),
        python("ask('SAVE')\ndone()\nwhile True: time.sleep(1)\n"),
        python(
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ndone()\nwhile True: time.sleep(1)\n",
        ),
        python("done()\nos.kill(os.getpid(), signal.SIGSTOP)\n"),
        python("done()\nwhile True: os.write(1, b'x' * 10_000)\n"),
    ]);
    assert_eq!(at_once.verdict.unmet().first(), Some(&"ends-well"));
    for tried in [at_once, after_the_task, deaf, halted, noisy] {
        tried.falls_short(&tried.verdict.unmet(), &["still running after 3 s"]);
    }
}

#[test]
fn a_program_that_reads_gets_nothing_to_read() {
    let [end, error] = try_all_patiently([
        python("assert sys.stdin.read() == ''\ndone()\n"),
        python("done()\ninput()\n"),
    ]);
    end.passes();
    error.falls_short(&["ends-well"], &["EOFError"]);
}

#[test]
fn a_program_that_kills_itself_ends_in_a_verdict() {
    let [tried] = try_all_patiently([python("done()\nos.kill(os.getpid(), 9)\n")]);
    tried.falls_short(&["ends-well"], &["ended by signal 9"]);
}

#[test]
fn a_process_left_behind_ends_with_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (own_pid, popen_pid) = (folder.path().join("own"), folder.path().join("popen"));
    let leave = |pid: &Path| {
        format!(
            "if os.fork() == 0:\n    os.setsid()\n    second = connect()\n    open({pid:?}, 'w').write(str(os.getpid()))\n    while True: ask('INCR others', second)\n"
        )
    };
    let wait_for = |pid: &Path| {
        format!("while not os.path.exists({pid:?}) or not open({pid:?}).read(): time.sleep(0.01)\n")
    };
    let (leave, wait) = (leave(&own_pid), wait_for(&own_pid));
    let start = format!(
        "subprocess.Popen(['/bin/sh', '-c', 'echo $$ > {}; exec /bin/sleep 300'], start_new_session=True, env={{}})\n{}",
        popen_pid.display(),
        wait_for(&popen_pid)
    );
    let [forked, started] =
        try_all([python(&format!("{leave}{wait}done()\n")), python(&format!("{start}done()\n"))]);
    forked.passes();
    started.passes();
    for file in [own_pid, popen_pid] {
        let pid: i32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        wait_until("what was left behind has ended", || has_ended(pid));
    }
}

/// A zombie is no process any more.
fn has_ended(pid: i32) -> bool {
    let ps = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output();
    let stat = ps.unwrap().stdout;
    stat.is_empty() || stat.starts_with(b"Z")
}

#[test]
fn many_connections_change_no_verdict() {
    let [silent, speaking] = try_all_patiently([
        python("many = [connect() for _ in range(500)]\ndone()\n"),
        python("many = [connect() for _ in range(500)]\nfor it in many: ask('PING', it)\ndone()\n"),
    ]);
    silent.passes();
    speaking.passes();
}

#[test]
fn many_connections_change_no_verdict_where_few_files_may_be_open() {
    let place = Place::new();
    place.file("course/01-sturdy.md", LESSON);
    let answer =
        python("many = [connect() for _ in range(300)]\nfor it in many: ask('PING', it)\ndone()\n");
    let answer = place.file("a.py", answer.text);
    let answer = answer.to_str().unwrap();
    let check = place.command(&["check", "sturdy", answer, "--lessons", "course"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -S -n 400; exec \"$@\"", "sh"]);
    limited.arg(check.get_program()).args(check.get_args()).current_dir(place.work());
    for (name, value) in check.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let ended = limited.output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stdout));
}

#[test]
fn replies_that_nobody_reads_change_no_verdict() {
    let [small, large] = try_all_patiently([
        python("done()\nsecond = connect()\nsecond.sendall(b'INCR n\\r\\n' * 200_000)\n"),
        python(
            "ask('SET big ' + 'x' * 60_000)\ndone()\nsecond = connect()\nsecond.sendall(b'GET big\\r\\n' * 2_000)\n",
        ),
    ]);
    small.passes();
    large.passes();
}

#[test]
fn nonsense_on_a_connection_changes_no_verdict() {
    let [garbage, inline, half, silent] = try_all_patiently([
        python("done()\nconnect().sendall(bytes(range(256)) * 400)\n"),
        python("done()\ntry: connect().sendall(b'x' * 50_000_000)\nexcept OSError: pass\n"),
        python("done()\nconnect().sendall(b'*2\\r\\n$3\\r\\nGET\\r\\n$999999999\\r\\nx')\n"),
        python("silent = connect()\ndone()\n"),
    ]);
    garbage.passes();
    inline.passes();
    half.passes();
    silent.passes();
}
