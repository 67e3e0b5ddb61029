//! The habits of redis-cli that students know: how it reads a line and how it prints a reply.

pub mod reply;
pub mod resp;
pub mod words;
