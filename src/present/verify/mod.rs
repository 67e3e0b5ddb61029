//! The forms of a [`crate::verify::Report`].

pub mod human;
