//! Text in which `*` stands for any run of characters.

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Exactly this text, never empty.
    Text(String),
    /// Any run of characters, the empty one too; never twice in a row.
    Any,
}

/// Text with wildcards, as a value was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pattern {
    pieces: Vec<Piece>,
}

impl Pattern {
    /// The pieces in order; none for the empty text.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }
}
