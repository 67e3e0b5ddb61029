//! The Redis prompt: lines run beside the real redis-cli, the editor in a real terminal, and what servers of
//! several versions say about their commands.

mod commands;
mod editor;
mod lines;
