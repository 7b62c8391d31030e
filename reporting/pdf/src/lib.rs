//! Typesets a template and its data as a tagged PDF. It sees the files and fonts it is given and nothing of the
//! machine, has no clock and no network, so the same input gives the same bytes.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs))]

use std::collections::HashMap;

use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World, WorldExt};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path of a file cannot be one: "/../x".
    #[error("{0}: not a path inside a document")]
    Path(String),
    /// A font file cannot be read.
    #[error("font {0} cannot be read")]
    Font(usize),
    /// The template or its data are wrong, or a picture has no words for those who do not see it.
    #[error("{}", .0.join("; "))]
    Compile(Vec<String>),
}

/// What a document is made of.
#[derive(Clone, Debug, Default)]
pub struct Document {
    files: HashMap<FileId, Vec<u8>>,
    fonts: Vec<&'static [u8]>,
}

impl Document {
    /// The same with a file that the template reads under this path: "report.json".
    pub fn file(mut self, path: &str, bytes: Vec<u8>) -> Result<Self, Error> {
        self.files.insert(id(path)?, bytes);
        Ok(self)
    }

    /// The same with a font (TTF or OTF).
    #[must_use]
    pub fn font(mut self, bytes: &'static [u8]) -> Self {
        self.fonts.push(bytes);
        self
    }

    /// Typesets the template as a PDF that conforms to PDF/UA-1 (ISO 14289-1): tagged, with a language, a title and
    /// words for every picture. `identity` tells documents apart; the same identity and content give the same bytes.
    pub fn pdf(&self, template: &str, identity: &str) -> Result<Vec<u8>, Error> {
        let main = id("main.typ")?;
        let fonts = self
            .fonts
            .iter()
            .enumerate()
            .map(|(index, bytes)| Font::new(Bytes::new(*bytes), 0).ok_or(Error::Font(index)))
            .collect::<Result<Vec<Font>, Error>>()?;
        let book = LazyHash::new(FontBook::from_fonts(&fonts));
        let library = LazyHash::new(Library::default());
        let source = Source::new(main, template.to_owned());
        let desk = Desk { library, book, fonts, source, files: &self.files };

        let document: PagedDocument = typst::compile(&desk).output.map_err(|problems| desk.told(&problems))?;
        let standards = PdfStandards::new(&[PdfStandard::Ua_1])
            .map_err(|problem| Error::Compile(vec![problem.message().to_string()]))?;
        let options = PdfOptions { ident: Smart::Custom(identity.to_owned()), standards, ..PdfOptions::default() };
        let pdf = typst_pdf::pdf(&document, &options).map_err(|problems| desk.told(&problems));
        // Nothing is typeset twice: what was remembered on the way is given back.
        typst::comemo::evict(0);
        pdf
    }
}

fn id(path: &str) -> Result<FileId, Error> {
    let path = VirtualPath::new(path).map_err(|_| Error::Path(path.to_owned()))?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

/// Everything the typesetter can see.
struct Desk<'a> {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    source: Source,
    files: &'a HashMap<FileId, Vec<u8>>,
}

impl Desk<'_> {
    fn told(&self, problems: &[SourceDiagnostic]) -> Error {
        let line = |problem: &SourceDiagnostic| {
            let place = self.range(problem.span).and_then(|range| self.source.lines().byte_to_line(range.start));
            let place = place.map_or_else(String::new, |line| format!("line {} of the template: ", line + 1));
            let hints = problem.hints.iter().map(|hint| format!(" ({})", hint.v)).collect::<String>();
            format!("{place}{}{hints}", problem.message)
        };
        Error::Compile(problems.iter().map(line).collect())
    }
}

impl World for Desk<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    fn main(&self) -> FileId {
        self.source.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.source.id() { Ok(self.source.clone()) } else { Err(FileError::NotSource) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let missing = || FileError::NotFound(id.get().vpath().get_without_slash().into());
        self.files.get(&id).map(|bytes| Bytes::new(bytes.clone())).ok_or_else(missing)
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTER: &[u8] = include_bytes!("../../assets/inter-regular.ttf");
    const HEAD: &str = "#set document(title: [A page])\n#set text(font: \"Inter\", lang: \"en\")\n";

    fn document() -> Document {
        Document::default().font(INTER)
    }

    #[test]
    fn the_same_input_gives_the_same_tagged_document() {
        let make = || {
            let document = document().file("data.json", br#"{"finding":"All promises are kept"}"#.to_vec()).unwrap();
            document.pdf(&format!("{HEAD}= #json(\"data.json\").finding\n"), "one").unwrap()
        };
        let first = make();
        assert!(first.starts_with(b"%PDF-"));
        assert!(first.windows(15).any(|bytes| bytes == b"/StructTreeRoot"), "tagged");
        assert_eq!(first, make());
    }

    #[test]
    fn a_template_that_is_wrong_says_where() {
        let problem = document().pdf(&format!("{HEAD}#nothing\n"), "one").unwrap_err().to_string();
        assert_eq!(problem, "line 3 of the template: unknown variable: nothing");
    }

    #[test]
    fn nothing_outside_of_what_was_given_is_read() {
        let problem = document().pdf(&format!("{HEAD}#read(\"/etc/passwd\")\n"), "one").unwrap_err().to_string();
        assert!(problem.contains("file not found"), "{problem}");
    }

    #[test]
    fn a_picture_needs_words() {
        let svg = br#"<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>"#;
        let document = document().file("a.svg", svg.to_vec()).unwrap();
        let with = |alt: &str| document.pdf(&format!("{HEAD}#figure(image(\"a.svg\"{alt}))\n"), "one");
        assert!(with("").is_err());
        assert!(with(", alt: \"a square\"").is_ok());
    }
}
