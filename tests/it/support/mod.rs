//! What tests share.

pub mod terminal;
