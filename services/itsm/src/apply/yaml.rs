//! YAML as a tree that remembers its lines. Scalars stay as they are written: what they mean is said by the field.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// A value with the line on which it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Line of the file, from 1.
    pub line: usize,
    /// What stands there.
    pub content: Content,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Text, a number, a truth value or nothing.
    Scalar {
        /// As it is written, without quotes.
        text: String,
        /// Whether it stands in quotes or as a block, and so is text whatever it looks like.
        quoted: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// Keys, each with its line, and their values, in order.
    Map(Vec<(String, usize, Node)>),
}

/// What keeps a file from being read: the line and what is wrong there.
pub type Fault = (usize, String);

/// Deeper nesting than this is no file that somebody wrote.
const MAX_DEPTH: usize = 100;

impl Node {
    /// Whether nothing is written: an empty value, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar { text, quoted: false } if is_null(text))
    }

    /// What kind of thing it is, in words.
    pub fn what(&self) -> &'static str {
        match self.content {
            Content::Scalar { .. } => "a single value",
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
        }
    }
}

/// Whether a plain scalar means nothing.
pub fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// The documents of a file.
pub fn parse(text: &str) -> Result<Vec<Node>, Fault> {
    let mut reader = Reader { parser: Parser::new_from_str(text), line: 1 };
    let mut documents = Vec::new();
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(documents),
            (Event::DocumentStart(_), _) => {
                let (event, span) = reader.next()?;
                documents.push(reader.node(event, span, 0)?);
            }
            _ => {}
        }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    line: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Fault> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                self.line = span.start.line();
                Ok((event, span))
            }
            Some(Err(fault)) => Err((fault.marker().line(), format!("is no YAML: {}", fault.info()))),
            None => Err((self.line, "ends too early".to_owned())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Fault> {
        let line = span.start.line();
        if depth > MAX_DEPTH {
            return Err((line, "is nested too deep".to_owned()));
        }
        let content = match event {
            Event::Scalar(text, style, ..) => {
                Content::Scalar { text: text.into_owned(), quoted: style != ScalarStyle::Plain }
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break Content::List(items),
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut entries: Vec<(String, usize, Node)> = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::MappingEnd {
                        break Content::Map(entries);
                    }
                    let key = self.node(event, span, depth + 1)?;
                    let Content::Scalar { text, .. } = key.content else {
                        return Err((key.line, format!("{} cannot be a key", key.what())));
                    };
                    if entries.iter().any(|(known, ..)| *known == text) {
                        return Err((key.line, format!("{text} stands here twice")));
                    }
                    let (event, span) = self.next()?;
                    let value = self.node(event, span, depth + 1)?;
                    entries.push((text, key.line, value));
                }
            }
            Event::Alias(_) => return Err((line, "refers to an anchor: write it out".to_owned())),
            _ => return Err((line, "is no YAML that is understood here".to_owned())),
        };
        Ok(Node { line, content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_line_and_stays_as_it_is_written() {
        let documents = parse("- kind: Service\n  id: 0x10\n- open: 08:00\n  shut: \"24:00\"\n  note:\n").unwrap();
        let [Node { content: Content::List(items), .. }] = &documents[..] else { panic!("{documents:?}") };
        let Content::Map(first) = &items[0].content else { panic!("{items:?}") };
        assert_eq!((first[1].0.as_str(), first[1].1), ("id", 2));
        assert_eq!(first[1].2.content, Content::Scalar { text: "0x10".to_owned(), quoted: false });
        let Content::Map(second) = &items[1].content else { panic!("{items:?}") };
        assert_eq!(second[0].2, Node { line: 3, content: Content::Scalar { text: "08:00".to_owned(), quoted: false } });
        assert_eq!(second[1].2.content, Content::Scalar { text: "24:00".to_owned(), quoted: true });
        assert!(second[2].2.is_null());
    }

    #[test]
    fn what_cannot_be_read_names_its_line() {
        assert_eq!(parse("a: 1\nb: [1\nc: 2\n").unwrap_err().0, 3);
        assert_eq!(parse("a: 1\na: 2\n").unwrap_err(), (2, "a stands here twice".to_owned()));
        assert_eq!(parse("a: &x 1\nb: *x\n").unwrap_err().0, 2);
        assert_eq!(parse("---\na: 1\n---\nb: 2\n").unwrap().len(), 2);
        assert_eq!(parse("# nothing\n").unwrap(), []);
    }
}
