//! The behaviour of redis-cli that students know: how it splits a line and prints a reply; and what
//! Redis says of its commands.

pub mod commands;
pub mod options;
pub mod prompt;
pub mod reply;
pub mod words;
