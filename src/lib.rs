//! Learn Redis by doing: lessons run and checked against a real Redis.

pub mod redis_cli;
