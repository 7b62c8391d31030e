//! The grammar of AIP-160, section "EBNF", read with winnow; side by side means AND.

use jiff::SignedDuration;
use winnow::combinator::{alt, cut_err, eof, not, opt, peek, preceded, repeat};
use winnow::error::{ErrMode, ParserError};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stateful};
use winnow::token::{any, literal, one_of, take, take_while};

use super::{Comparison, Error, Expr, Literal, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Operator, Pattern, Term, read};
use crate::excerpt::excerpt;

type Input<'a> = Stateful<LocatingSlice<&'a str>, Progress<'a>>;
type Parsed<T> = Result<T, ErrMode<Error>>;

/// The whole text, to find columns, and what has been read of it, for the limits.
#[derive(Clone, Copy, Debug)]
struct Progress<'a> {
    text: &'a str,
    depth: usize,
    terms: usize,
}

impl<'a> ParserError<Input<'a>> for Error {
    type Inner = Self;

    fn from_input(input: &Input<'a>) -> Self {
        let message = format!("expected a field name or '(', found {}", found(input));
        Self::at(column(input), message)
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

/// Reads a filter. It says what was written, not whether its fields exist: that is for [`super::check`].
pub fn parse(text: &str) -> Result<Expr, Error> {
    let length = text.chars().count();
    if length > MAX_LENGTH {
        let message = format!("the filter has {length} characters: write at most {MAX_LENGTH}");
        return Err(Error::at(MAX_LENGTH + 1, message));
    }
    let progress = Progress { text, depth: 0, terms: 0 };
    let mut input = Input { input: LocatingSlice::new(text), state: progress };
    filter.parse_next(&mut input).map_err(|mode| match mode {
        ErrMode::Backtrack(error) | ErrMode::Cut(error) => error,
        ErrMode::Incomplete(_) => Error::from_input(&input),
    })
}

fn filter(input: &mut Input<'_>) -> Parsed<Expr> {
    blanks(input)?;
    if input.is_empty() {
        return Ok(Expr::And(Vec::new()));
    }
    let whole = expression(input)?;
    if input.is_empty() { Ok(whole) } else { fault(column(input), "')' closes nothing: remove it") }
}

/// `expression = factor {["AND"] factor}`, up to the end or a closing parenthesis.
fn expression(input: &mut Input<'_>) -> Parsed<Expr> {
    let more = (not(alt((eof.void(), ')'.void()))), opt((keyword("AND"), blanks)));
    let members = (cut_err(factor), repeat(0.., preceded(more, cut_err(factor))));
    members.map(|(first, rest)| group(first, rest, Expr::And)).parse_next(input)
}

/// `factor = term {"OR" term}`: OR binds tighter than AND. Takes the blanks behind it.
fn factor(input: &mut Input<'_>) -> Parsed<Expr> {
    let more = (keyword("OR"), blanks);
    let members = (term, repeat(0.., preceded(more, cut_err(term))));
    members.map(|(first, rest)| group(first, rest, Expr::Or)).parse_next(input)
}

fn group(first: Expr, rest: Vec<Expr>, of: impl Fn(Vec<Expr>) -> Expr) -> Expr {
    if rest.is_empty() { first } else { of(std::iter::once(first).chain(rest).collect()) }
}

/// `term = ["NOT" | "-"] simple`.
fn term(input: &mut Input<'_>) -> Parsed<Expr> {
    let negated = preceded(alt(((keyword("NOT"), blanks).void(), minus)), cut_err(simple));
    let negated = negated.map(|member| Expr::Not(Box::new(member)));
    let (term, ()) = (alt((negated, simple)), blanks).parse_next(input)?;
    Ok(term)
}

fn minus(input: &mut Input<'_>) -> Parsed<()> {
    let start = column(input);
    '-'.parse_next(input)?;
    if input.starts_with(char::is_whitespace) {
        let way_out = "remove the blank behind it, or give now() a length of time such as 7d";
        return fault(start, format!("'-' touches what it negates: {way_out}"));
    }
    Ok(())
}

/// `simple = "(" expression ")" | restriction`.
fn simple(input: &mut Input<'_>) -> Parsed<Expr> {
    alt((parenthesised, restriction.map(Expr::Term))).parse_next(input)
}

fn parenthesised(input: &mut Input<'_>) -> Parsed<Expr> {
    let opening = column(input);
    ('(', blanks).parse_next(input)?;
    input.state.depth += 1;
    if input.state.depth > MAX_DEPTH {
        let message =
            format!("the filter is nested too deep: use at most {MAX_DEPTH} parentheses around a restriction");
        return fault(opening, message);
    }
    let inner = expression(input)?;
    if opt(')').parse_next(input)?.is_none() {
        return fault(opening, "'(' is never closed: add ')'");
    }
    input.state.depth -= 1;
    Ok(inner)
}

/// `restriction = field operator value`.
fn restriction(input: &mut Input<'_>) -> Parsed<Term> {
    let start = column(input);
    let field = word(input)?.to_owned();
    if is_keyword(&field) {
        return fault(start, format!("expected a field name or '(', found '{field}'"));
    }
    input.state.terms += 1;
    if input.state.terms > MAX_TERMS {
        return fault(start, format!("the filter has too many restrictions: use at most {MAX_TERMS}"));
    }
    blanks(input)?;
    let Some(operator) = opt(operator).parse_next(input)? else {
        return fault(start, without_operator(&field, input));
    };
    if !is_path(&field) {
        return fault(
            start,
            format!("'{}' is not a field name: write the field first, then the value", excerpt(&field)),
        );
    }
    blanks(input)?;
    let value_column = column(input);
    let value = value(input)?;
    Ok(Term { field, field_column: start, operator, value, value_column })
}

/// What to say to a word that nothing is compared with.
fn without_operator(word: &str, input: &Input<'_>) -> String {
    let word = excerpt(word);
    if is_keyword(&word.to_ascii_uppercase()) {
        return format!("'{word}' is not a field: write {} in capitals", word.to_ascii_uppercase());
    }
    if input.starts_with('(') {
        return format!("'{word}' is called where a field belongs: functions stand behind the comparison");
    }
    format!("'{word}' is compared with nothing: write {word} = value, and put text with blanks in quotes")
}

fn operator(input: &mut Input<'_>) -> Parsed<Operator> {
    alt((
        "<=".value(Operator::Compare(Comparison::LessOrEqual)),
        ">=".value(Operator::Compare(Comparison::GreaterOrEqual)),
        "!=".value(Operator::Compare(Comparison::NotEqual)),
        '='.value(Operator::Compare(Comparison::Equal)),
        '<'.value(Operator::Compare(Comparison::Less)),
        '>'.value(Operator::Compare(Comparison::Greater)),
        ':'.value(Operator::Has),
    ))
    .parse_next(input)
}

fn value(input: &mut Input<'_>) -> Parsed<Literal> {
    let start = column(input);
    if let Some(found) = opt(alt((quoted, time))).parse_next(input)? {
        return Ok(found);
    }
    if input.starts_with('(') {
        return fault(start, "lists of values are not supported: repeat the field, such as (a = 1 OR a = 2)");
    }
    let Some(text) = opt(word).parse_next(input)? else {
        return fault(start, format!("expected a value, found {}", found(input)));
    };
    if is_keyword(text) {
        return fault(start, format!("expected a value, found '{text}': put it in quotes to compare with it"));
    }
    match input.chars().next() {
        Some('(') if text == "now" => now(input),
        Some('(') => fault(start, format!("there is no function '{}': use now()", excerpt(text))),
        Some(':') => {
            fault(start, "a value with ':' that is not a full time such as 2026-03-01T08:30:00Z: put it in quotes")
        }
        _ => Ok(Literal::Bare(Pattern::wild(text))),
    }
}

/// `"text"` or `'text'`; a backslash takes the special meaning of what follows it.
fn quoted(input: &mut Input<'_>) -> Parsed<Literal> {
    let start = column(input);
    let mark = one_of(['"', '\'']).parse_next(input)?;
    let mut pattern = Pattern::default();
    let mut place = start;
    loop {
        place += 1;
        pattern = match opt(any).parse_next(input)? {
            None => {
                return fault(start, format!("the text is never closed: add {mark} behind it"));
            }
            Some(character) if character == mark => return Ok(Literal::Quoted(pattern)),
            Some('*') => pattern.with_any(),
            Some('\0') => return fault(place, "a text holds no NUL character: remove it"),
            Some('\\') => {
                let Some(character) = opt(escape).parse_next(input)? else {
                    return fault(place, r#"a backslash stands before " ' \ * n or t only: write \\ for itself"#);
                };
                place += 1;
                pattern.with_character(character)
            }
            Some(character) => pattern.with_character(character),
        };
    }
}

/// What a backslash makes of the character behind it.
fn escape(input: &mut Input<'_>) -> Parsed<char> {
    alt(('n'.value('\n'), 't'.value('\t'), one_of(['"', '\'', '\\', '*']))).parse_next(input)
}

/// A time of RFC 3339 without quotes, the only bare value with colons.
fn time(input: &mut Input<'_>) -> Parsed<Literal> {
    let mut rest = **input.as_ref();
    let length = read::instant(&mut rest).map_or(0, str::len);
    take(length)
        .verify(|text: &str| !text.is_empty())
        .map(|text| Literal::Bare(Pattern::exactly(text)))
        .parse_next(input)
}

/// `()` behind `now`, and what is added to it or taken from it.
fn now(input: &mut Input<'_>) -> Parsed<Literal> {
    '('.parse_next(input)?;
    if (blanks, opt(')')).parse_next(input)?.1.is_none() {
        return fault(column(input), "now() takes nothing between its parentheses: write now() - 7d to move it");
    }
    let digit = peek(one_of('0'..='9'));
    let offset = (preceded(blanks, one_of(['+', '-'])), preceded(blanks, digit));
    let Some((sign, _)) = opt(offset).parse_next(input)? else {
        return Ok(Literal::Now(SignedDuration::ZERO));
    };
    let start = column(input);
    let length = word(input)?;
    match read::duration(length) {
        Ok(length) => Ok(Literal::Now(if sign == '-' { -length } else { length })),
        Err(message) => fault(start, message),
    }
}

fn keyword<'a>(text: &'static str) -> impl Parser<Input<'a>, (), ErrMode<Error>> {
    (literal(text), not(one_of(is_bare))).void()
}

fn is_keyword(word: &str) -> bool {
    matches!(word, "AND" | "OR" | "NOT")
}

/// A run of characters that mean nothing to the grammar.
fn word<'a>(input: &mut Input<'a>) -> Parsed<&'a str> {
    take_while(1.., is_bare).parse_next(input)
}

fn is_bare(character: char) -> bool {
    !character.is_whitespace() && !character.is_control() && !r#"()"',<>=!:\"#.contains(character)
}

/// Names joined by points, each of letters, digits and underscores.
fn is_path(word: &str) -> bool {
    word.split('.').all(|name| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

fn blanks(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace).void().parse_next(input)
}

/// What comes next, for messages.
fn found(input: &Input<'_>) -> String {
    match input.chars().next() {
        None => "the end".to_owned(),
        Some(blank) if blank.is_whitespace() => "a blank".to_owned(),
        Some(special) if !is_bare(special) => format!("'{}'", excerpt(special.encode_utf8(&mut [0; 4]))),
        Some(_) => format!("'{}'", excerpt(input.split(|next| !is_bare(next)).next().unwrap_or_default())),
    }
}

/// Where the input stands, in characters from 1.
fn column(input: &Input<'_>) -> usize {
    let read = input.state.text.get(..input.current_token_start());
    read.map_or(0, |read| read.chars().count()) + 1
}

fn fault<T>(column: usize, message: impl Into<String>) -> Parsed<T> {
    Err(ErrMode::Cut(Error::at(column, message)))
}
