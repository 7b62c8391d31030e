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
    /// The pattern that only `text` matches: stars in it are plain characters.
    pub fn exactly(text: &str) -> Self {
        text.chars().fold(Self::default(), Self::with_character)
    }

    /// Reads a value without escapes: each `*` is a wildcard.
    pub fn wild(text: &str) -> Self {
        text.chars().fold(Self::default(), |pattern, character| match character {
            '*' => pattern.with_any(),
            character => pattern.with_character(character),
        })
    }

    /// The pieces in order; none for the empty text.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The text itself, when no wildcard is in it.
    pub fn as_text(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether this is `*` alone.
    pub fn is_any(&self) -> bool {
        self.pieces == [Piece::Any]
    }

    /// Whether the whole of `text` matches; takes time in proportion to both lengths, however many wildcards.
    pub fn matches(&self, text: &str) -> bool {
        let Some((last, body)) = self.pieces.split_last() else {
            return text.is_empty();
        };
        let mut rest = text;
        let mut floating = false;
        for piece in body {
            match piece {
                Piece::Any => floating = true,
                // After a wildcard the leftmost place leaves the most for the pieces to come.
                Piece::Text(part) => match rest.find(part.as_str()) {
                    Some(place) if floating || place == 0 => {
                        rest = &rest[place + part.len()..];
                        floating = false;
                    }
                    _ => return false,
                },
            }
        }
        match last {
            Piece::Any => true,
            Piece::Text(part) if floating => rest.ends_with(part.as_str()),
            Piece::Text(part) => rest == part,
        }
    }

    /// As a quoted value: special characters are escaped, wildcards are bare stars.
    pub(super) fn quoted(&self) -> String {
        let mut shown = String::from("\"");
        for piece in &self.pieces {
            match piece {
                Piece::Any => shown.push('*'),
                Piece::Text(text) => {
                    for character in text.chars() {
                        match character {
                            '\n' => shown.push_str("\\n"),
                            '\t' => shown.push_str("\\t"),
                            '"' | '\\' | '*' => shown.extend(['\\', character]),
                            character => shown.push(character),
                        }
                    }
                }
            }
        }
        shown.push('"');
        shown
    }

    /// As a bare value; meant for patterns that were read from one.
    pub(super) fn bare(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Any => "*",
                Piece::Text(text) => text,
            })
            .collect()
    }

    /// The pattern with a wildcard behind it.
    #[must_use]
    pub(super) fn with_any(mut self) -> Self {
        if self.pieces.last() != Some(&Piece::Any) {
            self.pieces.push(Piece::Any);
        }
        self
    }

    /// The pattern with a plain character behind it.
    #[must_use]
    pub(super) fn with_character(mut self, character: char) -> Self {
        match self.pieces.last_mut() {
            Some(Piece::Text(text)) => text.push(character),
            _ => self.pieces.push(Piece::Text(character.to_string())),
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, by brute force: a wildcard takes any number of characters.
    fn by_definition(pieces: &[Piece], text: &str) -> bool {
        match pieces {
            [] => text.is_empty(),
            [Piece::Text(part), rest @ ..] => {
                text.strip_prefix(part.as_str()).is_some_and(|text| by_definition(rest, text))
            }
            [Piece::Any, rest @ ..] => (0..=text.len())
                .filter(|&place| text.is_char_boundary(place))
                .any(|place| by_definition(rest, &text[place..])),
        }
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, text, matches) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*a", "aba", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*ab", "aab", true),
            ("e*", "école", false),
        ] {
            assert_eq!(Pattern::wild(pattern).matches(text), matches, "{pattern} on {text}");
        }
    }

    #[test]
    fn many_stars_do_not_make_it_slow() {
        assert!(!Pattern::wild(&"a*".repeat(2000)).matches(&"a".repeat(1999)));
        assert!(!Pattern::wild(&format!("{}b", "*a".repeat(1000))).matches(&"a".repeat(100_000)));
    }

    proptest! {
        #[test]
        fn matching_is_the_definition(pattern in "[ab*é]{0,8}", text in "[abé]{0,10}") {
            let pattern = Pattern::wild(&pattern);
            prop_assert_eq!(pattern.matches(&text), by_definition(pattern.pieces(), &text));
        }

        #[test]
        fn a_pattern_without_wildcards_is_equality(text in "\\PC{0,10}", other in "\\PC{0,10}") {
            prop_assert!(Pattern::exactly(&text).matches(&text));
            prop_assert_eq!(Pattern::exactly(&text).matches(&other), text == other);
        }
    }
}
