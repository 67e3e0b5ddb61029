//! The Redis prompt, without a terminal and without a server.

use std::sync::Arc;
use std::time::Duration;

use super::{NoServer, Script, letter, letters, session};
use crate::attempt::WorkProgress;
use crate::attempt::evidence::Evidence;
use crate::progress::Record;
use crate::redis_prompt::{CommandDocs, EditorLine, PromptOutcome, PromptReply};
use crate::relay::Timeline;
use crate::server::ServerInfo;
use crate::session::console::Key;
use crate::session::event::{Event, PromptEvent};
use crate::session::request::{Request, SessionEnd};
use crate::session::state::Input;
use crate::session::worker::messages::{self, JudgedAnswer, LiveEvent, StepEvent, WorkerEvent};
use crate::topics;
use crate::verdict::{LiveVerdict, Tick, Verdict};

/// A session at the prompt of the first exercise.
fn at_the_prompt() -> Script {
    let mut script = Script::start(Record::default());
    for letter in "nnnp".chars() {
        script.happens(Event::Key(Key::Char(letter)));
    }
    assert!(script.last().status.contains("starting a server"), "{}", script.last().status);
    let docs = Arc::new(CommandDocs::table().clone());
    script.worker_says(WorkerEvent::Began { server: "redis 8".to_owned(), docs });
    assert!(matches!(script.requests.last(), Some(Request::OpenPrompt(..))));
    script.happens(Event::Prompt(PromptEvent::Opened { has_printer: true }));
    assert!(script.printed().contains("it is saved"));
    script
}

#[test]
fn what_is_typed_before_the_prompt_is_there_runs_at_the_prompt() {
    let mut script = Script::start(Record::default());
    script.presses("nnnp");
    script.presses("PIM");
    script.happens(Event::Key(Key::Backspace));
    script.presses("NG");
    script.happens(Event::Key(Key::Enter));
    script.presses("GET a");
    let docs = Arc::new(CommandDocs::table().clone());
    script.worker_says(WorkerEvent::Began { server: "redis 8".to_owned(), docs });
    script.happens(Event::Prompt(PromptEvent::Opened { has_printer: true }));
    assert!(matches!(script.requests.last(), Some(Request::RunLine(line, _)) if line == "PING"));
    gets_the_reply(&mut script, "PONG", PromptOutcome::Replied);
    let input = Input::Line { prompt: "redis> ", beginning: "GET a" };
    assert_eq!(script.state.input(), input);
    types(&mut script, "GET ab");
    gets_the_reply(&mut script, "(nil)", PromptOutcome::Replied);
    assert_eq!(script.state.input(), Input::Line { prompt: "redis> ", beginning: "" });
}

fn types(script: &mut Script, text: &str) {
    assert!(matches!(script.state.input(), Input::Line { .. }));
    let line = EditorLine::Typed(text.to_owned());
    script.happens(Event::Prompt(PromptEvent::Typed(Ok(line))));
}

fn gets_the_reply(script: &mut Script, text: &str, end: PromptOutcome) {
    let reply = PromptReply { text: text.to_owned(), end };
    script.happens(Event::Prompt(PromptEvent::Replied(reply, "redis> ".to_owned())));
    script.happens_after(Duration::from_secs(1), Event::Tick);
}

#[test]
fn pasted_lines_run_one_after_another() {
    let mut script = at_the_prompt();
    types(&mut script, "PING\nGET a\nexit");
    for (line, reply) in [("PING", "PONG"), ("GET a", "(nil)")] {
        assert!(matches!(script.requests.last(), Some(Request::RunLine(ran, _)) if ran == line));
        assert_eq!(script.state.input(), Input::Nothing);
        script.happens(Event::Key(Key::Char('q')));
        gets_the_reply(&mut script, reply, PromptOutcome::Replied);
        assert!(script.printed().contains(reply));
    }
    assert!(matches!(script.requests.last(), Some(Request::ClosePrompt)));
    assert_eq!(script.state.work.typed, ["PING", "GET a"]);
    assert!(script.last().status.contains("`c` checks what you did"));
}

#[test]
fn ctrl_c_cancels_a_line_and_nothing_else() {
    let mut script = at_the_prompt();
    script.happens(Event::Interrupted);
    types(&mut script, "BLPOP q 0");
    script.happens_after(Duration::from_secs(1), Event::Tick);
    assert!(matches!(script.requests.last(), Some(Request::PrintWait(..))));
    script.happens(Event::Interrupted);
    gets_the_reply(&mut script, "", PromptOutcome::Cancelled);
    assert!(script.state.work.typed.is_empty());
    assert!(matches!(script.state.input(), Input::Line { .. }));
}

/// A look at the server: its background work, and whether the exercise is passed.
fn look(script: &mut Script, running: Option<WorkProgress>, passed: Option<Box<JudgedAnswer>>) {
    let ticks = vec![Tick::Open];
    let verdict = Some(LiveVerdict { ticks, passed: passed.is_some(), invalid: None });
    let looked = script.state.now;
    let live = LiveEvent { looked, verdict, running, killed: false, passed };
    script.worker_says(WorkerEvent::Live(live));
}

#[test]
fn a_kill_of_the_exercise_is_told_once() {
    let mut script = at_the_prompt();
    for killed in [true, false] {
        let (looked, verdict) = (script.state.now, None);
        let live = LiveEvent { looked, verdict, running: None, killed, passed: None };
        script.worker_says(WorkerEvent::Live(live));
    }
    assert_eq!(script.printed().matches("your connection was closed").count(), 1);
}

#[test]
fn what_ended_while_a_cancelled_line_ran_was_waited_for() {
    let mut script = at_the_prompt();
    types(&mut script, "BGSAVE");
    gets_the_reply(&mut script, "Background saving started", PromptOutcome::Replied);
    let work = topics::background().next().unwrap();
    look(&mut script, Some(WorkProgress { work, keys: 0, of: 1 }), None);
    types(&mut script, "BLPOP q 0");
    look(&mut script, None, None);
    gets_the_reply(&mut script, "", PromptOutcome::Cancelled);
    let typed = &script.state.work.typed;
    assert!(typed.len() == 2 && typed[1].starts_with(work.wait_line.unwrap()), "{typed:?}");
}

#[test]
fn a_line_that_is_cancelled_later_is_no_part_of_the_answer() {
    let mut script = at_the_prompt();
    types(&mut script, "PING");
    gets_the_reply(&mut script, "PONG", PromptOutcome::Replied);
    types(&mut script, "BLPOP q 0");
    let judged = JudgedAnswer {
        answer: None,
        server: "redis 8".to_owned(),
        evidence: Evidence::new(ServerInfo::default()),
        verdict: Verdict { findings: Vec::new(), diagnosis: None },
    };
    look(&mut script, None, Some(Box::new(judged)));
    gets_the_reply(&mut script, "", PromptOutcome::Cancelled);
    let written = script.requests.iter().find_map(|request| match request {
        Request::WriteAnswer(_, text) => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(written, Some("PING\n"));
}

#[test]
fn a_prompt_that_has_no_server_leads_back_to_the_step() {
    let seen = session(&[], letters("nnnp").into_iter().chain([NoServer, letter('b')]));
    assert!(seen.last().body.contains("Read this."), "{}", seen.last().body);
}

#[test]
fn unfinished_work_is_waited_for_at_the_end_but_not_for_long() {
    let mut script = at_the_prompt();
    types(&mut script, "exit");
    script.happens(Event::Key(Key::Char('q')));
    assert!(script.end.is_none());
    let timeline = Box::<Timeline>::default();
    script.worker_says(WorkerEvent::Explored { server: "redis 8".to_owned(), timeline });
    assert!(matches!(script.requests.last(), Some(Request::WriteExploration(..))));
    assert_eq!(script.end, Some(SessionEnd::Quit));

    let mut script = at_the_prompt();
    types(&mut script, "exit");
    script.happens(Event::Key(Key::Interrupt));
    assert!(matches!(script.requests.last(), Some(Request::Worker(messages::Request::StartOver))));
    script.happens_after(Duration::from_millis(299), Event::Tick);
    assert!(script.end.is_none());
    script.happens_after(Duration::from_millis(1), Event::Tick);
    assert_eq!(script.end, Some(SessionEnd::Interrupted));
}

#[test]
fn an_exploration_counts_for_the_step_it_was_begun_at() {
    let mut script = Script::start(Record::default());
    for letter in "nn".chars() {
        script.happens(Event::Key(Key::Char(letter)));
    }
    let visit = script.state.visit;
    script.happens(Event::Key(Key::Char('n')));
    let timeline = Box::<Timeline>::default();
    let explored = WorkerEvent::Explored { server: "redis 8".to_owned(), timeline };
    let (visit, run, event) = (Some(visit), None, explored);
    script.happens(Event::Worker(StepEvent { visit, run, event }));
    let Some(Request::WriteExploration(step, ..)) = script.requests.last() else { panic!() };
    assert_eq!(step.title, "Reading");
}
