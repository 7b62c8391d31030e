//! clock/mod
