//! calendar/mod
