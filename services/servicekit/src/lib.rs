//! servicekit
