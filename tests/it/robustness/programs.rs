//! Programs that never end, leave processes behind, or send nonsense.

use std::path::Path;

use super::{LESSON, python, try_all, try_all_patiently};
use crate::support::{Workspace, after_shell_line, has_ended, wait_until};

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

/// Python code that leaves a process in another session. The process writes its id to this file.
fn leave_process(pid: &Path) -> String {
    let pid = pid.display();
    format!(
        "if os.fork() == 0:\n    os.setsid()\n    second = connect()\n    \
         open('{pid}', 'w').write(str(os.getpid()))\n    \
         while True: ask('INCR others', second)\n"
    )
}

/// Python code that waits until the file has a text.
fn wait_for_file(path: &Path) -> String {
    let path = path.display();
    format!("while not os.path.exists('{path}') or not open('{path}').read(): time.sleep(0.01)\n")
}

#[test]
fn a_process_left_behind_ends_with_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (own_pid, popen_pid) = (folder.path().join("own"), folder.path().join("popen"));
    let (leave, wait) = (leave_process(&own_pid), wait_for_file(&own_pid));
    let start = format!(
        "subprocess.Popen(['/bin/sh', '-c', 'echo $$ > {}; exec /bin/sleep 300'], \
         start_new_session=True, env={{}})\n{}",
        popen_pid.display(),
        wait_for_file(&popen_pid)
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
    let workspace = Workspace::new();
    workspace.file("course/01-robustness.md", LESSON);
    let answer =
        python("many = [connect() for _ in range(300)]\nfor it in many: ask('PING', it)\ndone()\n");
    let answer = workspace.file("a.py", answer.text);
    let answer = answer.to_str().unwrap();
    let check = workspace.command(&["check", "robustness", answer, "--lessons", "course"]);
    let ended = after_shell_line("ulimit -S -n 400", &check).output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stdout));
}

#[test]
fn replies_that_nobody_reads_change_no_verdict() {
    let [small, large] = try_all_patiently([
        python("done()\nsecond = connect()\nsecond.sendall(b'INCR n\\r\\n' * 50_000)\n"),
        python(
            "ask('SET big ' + 'x' * 60_000)\ndone()\nsecond = connect()\n\
             second.sendall(b'GET big\\r\\n' * 2_000)\n",
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
