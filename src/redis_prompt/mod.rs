//! The Redis prompt: a line editor, the server's own documentation, and an executor that runs lines
//! as redis-cli does.
//!
//! The parts do not depend on one another; the session connects them:
//!
//! ```text
//! Editor::read ──Line──► Asked::of ──► Executor::run ──► Reply
//!      ▲                     └───────► CommandDocs::help
//!      └ completion and hints, from CommandDocs
//! ```

mod completion;
mod conversation;
mod docs;
mod editor;
mod exchange;
mod executor;
mod help;
mod hint;
mod line;
mod notation;
mod syntax;
mod table;
mod typing;
mod wire;

pub use docs::CommandDocs;
pub use editor::{Editor, EditorLine};
pub use exchange::{WatchCallback, WhileWaiting};
pub use executor::{Executor, PromptOutcome, PromptReply};
pub use line::{Asked, is_secret};
