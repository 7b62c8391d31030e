//! ticket/mod
