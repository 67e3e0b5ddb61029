//! The Redis prompt: a line editor, the server's own documentation, and lines run as redis-cli runs them.
//!
//! The parts know nothing of one another's work; who loops over them is the session:
//!
//! ```text
//! Editor::read ──Line──► Asked::of ──► Executor::run ──► Reply
//!      ▲                     └───────► CommandDocs::help
//!      └ completion and hints, by CommandDocs
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
pub use editor::{Editor, Line};
pub use exchange::{Meanwhile, Watch};
pub use executor::{Executor, Outcome, Reply};
pub use line::{Asked, is_secret};
