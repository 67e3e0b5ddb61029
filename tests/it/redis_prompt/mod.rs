//! The Redis prompt: the same lines as in the real redis-cli, the editor in a real terminal, and
//! the command documentation of several server versions.

mod commands;
mod editor;
mod lines;
mod waiting;

use std::ops::ControlFlow;
use std::time::Duration;

use redis::IntoConnectionInfo as _;
use redislings::redis_prompt::{Executor, PromptReply, WhileWaiting};

use crate::support::redis_server::ForeignServer;

const LIMIT: Duration = Duration::from_secs(20);

fn executor(server: &ForeignServer) -> Executor {
    Executor::new(server.url().into_connection_info().unwrap())
}

/// Runs a line that ends by itself. Messages that arrive meanwhile come before the reply.
fn run(executor: &mut Executor, line: &str) -> PromptReply {
    let mut messages = Vec::new();
    let mut reply = executor.run(line, LIMIT, &mut |meanwhile: WhileWaiting<'_>| {
        if let WhileWaiting::Message(text) = meanwhile {
            messages.push(text.to_owned());
        }
        ControlFlow::Continue(())
    });
    messages.extend(Some(reply.text).filter(|text| !text.is_empty()));
    reply.text = messages.join("\n");
    reply
}
