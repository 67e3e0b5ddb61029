//! Blocks that can be run without being an answer.

use super::{Code, Span};

/// A block that the student can run and that `verify` runs.
#[derive(Debug, Clone)]
pub struct Example {
    pub code: Code,
    /// In a `redis` block with prompts: each command and the reply printed below it.
    /// Empty in all others: then every line is a command, and none may return an error.
    pub dialogue: Vec<ExampleExchange>,
    /// The word `continued` behind its language: it goes on from the example above.
    pub continued: Option<Span>,
    /// The code of the examples that it goes on from, in order: it runs first.
    pub before: Vec<String>,
}

impl Example {
    /// Its own code: of a dialogue, only the commands.
    pub fn own_code(&self) -> String {
        if self.dialogue.is_empty() {
            return self.code.text.clone();
        }
        self.dialogue.iter().fold(String::new(), |text, exchange| text + &exchange.command + "\n")
    }

    /// The code to run.
    pub fn whole_code(&self) -> String {
        self.before.concat() + &self.own_code()
    }
}

/// A command behind a prompt in an example, and the reply expected below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExampleExchange {
    /// The command line without its prompt.
    pub command: String,
    /// The lines below it, as redis-cli prints them. `...` matches anything; an empty reply is not
    /// compared.
    pub reply: String,
    /// The `> ` line.
    pub span: Span,
    /// Each line of the reply, without its line break.
    pub reply_lines: Vec<Span>,
}
