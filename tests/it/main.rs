//! Tests with real servers, real containers or a real terminal, in one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod support;

mod address;
mod architecture;
mod authors;
mod beside;
mod cache;
mod causes;
mod check;
mod colour;
mod containers;
mod courses;
mod doors;
mod effects;
mod endings;
mod engine_address;
mod faults;
mod foreign;
mod forks;
mod format;
mod hosts;
mod kept;
mod lessons;
mod messages;
mod live;
mod mutants;
mod own_answers;
mod picture;
mod plain;
mod private;
mod python;
mod redis_prompt;
mod remote;
mod reports;
mod server_disk;
mod session;
mod robustness;
mod relay;
mod stopping;
mod text;
mod values;
mod verify;
mod versions;
mod waiting;
mod words;
