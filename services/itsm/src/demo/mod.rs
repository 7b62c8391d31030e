//! demo

pub mod catalog;
