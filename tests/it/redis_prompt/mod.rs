//! The Redis prompt: lines run beside the real redis-cli, the editor in a real terminal, and what servers of
//! several versions say about their commands.

mod commands;
mod editor;
mod lines;
mod waiting;

use std::ops::ControlFlow;
use std::time::Duration;

use redis::IntoConnectionInfo as _;
use redislings::redis_prompt::{Executor, Meanwhile, Reply};

use crate::support::redis_server::ForeignServer;

const LIMIT: Duration = Duration::from_secs(20);

fn executor(server: &ForeignServer) -> Executor {
    Executor::new(server.url().into_connection_info().unwrap())
}

/// Runs a line that ends by itself; what comes meanwhile stands before the reply.
fn run(executor: &mut Executor, line: &str) -> Reply {
    let mut messages = Vec::new();
    let mut watch = |meanwhile: Meanwhile<'_>| {
        if let Meanwhile::Message(text) = meanwhile {
            messages.push(text.to_owned());
        }
        ControlFlow::Continue(())
    };
    let mut reply = executor.run(line, LIMIT, &mut watch);
    messages.extend(Some(reply.text).filter(|text| !text.is_empty()));
    reply.text = messages.join("\n");
    reply
}
