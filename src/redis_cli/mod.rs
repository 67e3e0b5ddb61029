//! The behaviour of redis-cli that students know: how it splits a line and prints a reply.

pub mod reply;
pub mod resp;
pub mod words;
