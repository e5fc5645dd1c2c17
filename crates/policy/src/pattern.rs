//! Texts with wildcards and variables, made ready for comparing: with neither, a comparison of bytes; with wildcards, one
//! pass over both texts; only a variable makes a copy.
//! Not here: which of the elements of a policy may have what; that is said where they are read.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::Context;
use crate::wild::{ONE, ONE_IN_PART, STAR, STAR_IN_PART, is_wild, matches};

/// What wildcards mean in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wildcards {
    /// Nothing: they are characters.
    None,
    /// `*` is any text and `?` one character.
    Text,
    /// As in `Resource`: within the first five parts of an ARN `?` and `*` stay within their part, but for a `*` at the
    /// part's end. Rule: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>.
    Resource,
    /// As in ARN operators, where each of the six parts is compared by itself. Rule:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.
    Parts,
}

/// A variable: `${key}` or `${key, 'default'}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    /// As it is written.
    pub(crate) key: String,
    lower: String,
    default: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Bytes(Box<[u8]>),
    Variable(Variable),
}

/// A text with wildcards and variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Without any.
    Exact(Box<str>),
    /// `*` alone.
    Any,
    /// With wildcards.
    Wild(Box<[u8]>),
    /// With variables.
    Variable(Box<[VariablePiece]>),
}

/// A piece of a pattern with variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VariablePiece(Piece);

impl Pattern {
    /// Reads a text. Variables are read only if they are wanted.
    pub(crate) fn new(text: &str, wildcards: Wildcards, has_variables: bool) -> Self {
        if text == "*" && wildcards != Wildcards::None {
            return Self::Any;
        }
        let mut builder = Builder { pieces: Vec::new(), bytes: Vec::new(), colons: 0 };
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if has_variables && let Some((variable, after)) = variable(rest) {
                builder.variable(variable);
                rest = after;
                continue;
            }
            let after = &rest[character.len_utf8()..];
            builder.character(character, after, wildcards);
            rest = after;
        }
        builder.finish()
    }

    /// Whether the text is one of those that are meant; never where a variable has no value.
    pub(crate) fn matches(&self, text: &str, context: &Context) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => exact.as_bytes() == text.as_bytes(),
            Self::Wild(bytes) => has_start(bytes, text) && matches(bytes, text.as_bytes()),
            Self::Variable(pieces) => {
                has_start_of(pieces, text)
                    && resolve(pieces, context).is_some_and(|bytes| matches(&bytes, text.as_bytes()))
            }
        }
    }

    /// The text itself, for operators without wildcards; none where a variable has no value.
    pub(crate) fn text(&self, context: &Context) -> Option<Cow<'_, str>> {
        match self {
            Self::Any => Some(Cow::Borrowed("*")),
            Self::Exact(exact) => Some(Cow::Borrowed(exact)),
            Self::Wild(bytes) => Some(Cow::Owned(written(bytes, false))),
            Self::Variable(pieces) => resolve(pieces, context).map(|bytes| Cow::Owned(written(&bytes, false))),
        }
    }

    /// Whether a pattern with variables could mean a text, whatever their values.
    pub(crate) fn has_start(&self, text: &str) -> bool {
        if let Self::Variable(pieces) = self { has_start_of(pieces, text) } else { false }
    }

    /// Its variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        let pieces: &[VariablePiece] = if let Self::Variable(pieces) = self { pieces } else { &[] };
        pieces.iter().filter_map(|piece| match &piece.0 {
            Piece::Variable(variable) => Some(variable),
            Piece::Bytes(_) => None,
        })
    }

    /// Whether every variable has a value.
    pub(crate) fn is_resolved(&self, context: &Context) -> bool {
        self.variables().all(|variable| value(variable, context).is_some())
    }

    /// As it is written in a policy; `escapes` says that variables are read there.
    pub(crate) fn source(&self, escapes: bool) -> String {
        match self {
            Self::Any => "*".to_owned(),
            Self::Exact(exact) if escapes => written(exact.as_bytes(), true),
            Self::Exact(exact) => exact.to_string(),
            Self::Wild(bytes) => written(bytes, escapes),
            Self::Variable(pieces) => pieces.iter().map(|piece| piece.source()).collect(),
        }
    }
}

impl VariablePiece {
    fn source(&self) -> String {
        match &self.0 {
            Piece::Bytes(bytes) => written(bytes, true),
            Piece::Variable(Variable { key, default: None, .. }) => format!("${{{key}}}"),
            Piece::Variable(Variable { key, default: Some(default), .. }) => format!("${{{key}, '{default}'}}"),
        }
    }
}

impl Variable {
    /// Whether it has no value for lack of its key.
    pub(crate) fn is_missing(&self, context: &Context) -> bool {
        context.get_lower(&self.lower).is_none()
    }
}

struct Builder {
    pieces: Vec<VariablePiece>,
    bytes: Vec<u8>,
    colons: usize,
}

impl Builder {
    fn character(&mut self, character: char, after: &str, wildcards: Wildcards) {
        let in_first_five = self.colons < 5;
        let is_bound = match wildcards {
            Wildcards::None | Wildcards::Text => false,
            Wildcards::Resource => in_first_five && !(after.is_empty() || after.starts_with(':')),
            Wildcards::Parts => in_first_five,
        };
        match (character, wildcards) {
            ('*', Wildcards::Text | Wildcards::Resource | Wildcards::Parts) => {
                self.bytes.push(if is_bound { STAR_IN_PART } else { STAR });
            }
            ('?', Wildcards::Text) => self.bytes.push(ONE),
            ('?', Wildcards::Resource | Wildcards::Parts) => {
                self.bytes.push(if in_first_five { ONE_IN_PART } else { ONE });
            }
            _ => {
                self.colons += usize::from(character == ':');
                self.bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }

    fn variable(&mut self, variable: Found) {
        match variable {
            Found::Literal(character) => self.bytes.push(character),
            Found::Variable(variable) => {
                self.cut();
                self.pieces.push(VariablePiece(Piece::Variable(variable)));
            }
        }
    }

    fn cut(&mut self) {
        if !self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes).into_boxed_slice();
            self.pieces.push(VariablePiece(Piece::Bytes(bytes)));
        }
    }

    fn finish(mut self) -> Pattern {
        if !self.pieces.is_empty() {
            self.cut();
            return Pattern::Variable(self.pieces.into_boxed_slice());
        }
        match String::from_utf8(self.bytes) {
            Ok(text) => Pattern::Exact(text.into_boxed_str()),
            Err(wild) => Pattern::Wild(wild.into_bytes().into_boxed_slice()),
        }
    }
}

enum Found {
    /// `${*}`, `${?}` or `${$}`.
    Literal(u8),
    Variable(Variable),
}

/// The variable that a text begins with, and what is behind it.
/// Rule: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>.
fn variable(text: &str) -> Option<(Found, &str)> {
    let (inside, after) = text.strip_prefix("${")?.split_once('}')?;
    let found = match inside {
        "*" | "?" | "$" => Found::Literal(inside.as_bytes()[0]),
        _ => {
            let (key, default) = match inside.split_once(',') {
                None => (inside.trim(), None),
                Some((key, default)) => {
                    let default = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
                    (key.trim(), Some(default.to_owned()))
                }
            };
            if key.is_empty() {
                return None;
            }
            Found::Variable(Variable { key: key.to_owned(), lower: key.to_ascii_lowercase(), default })
        }
    };
    Some((found, after))
}

/// A key with several values, or with none, is no value to put in a text.
fn value<'a>(variable: &'a Variable, context: &'a Context) -> Option<&'a str> {
    match context.get_lower(&variable.lower) {
        Some([value]) => Some(value),
        Some(_) => None,
        None => variable.default.as_deref(),
    }
}

/// Whether a text begins as a pattern does, up to its first wildcard: the cheapest way to find out that it does not match.
fn has_start(pattern: &[u8], text: &str) -> bool {
    let start = pattern.iter().position(|&byte| is_wild(byte)).unwrap_or(pattern.len());
    text.as_bytes().starts_with(&pattern[..start])
}

fn has_start_of(pieces: &[VariablePiece], text: &str) -> bool {
    match pieces.first() {
        Some(VariablePiece(Piece::Bytes(bytes))) => has_start(bytes, text),
        Some(VariablePiece(Piece::Variable(_))) | None => true,
    }
}

fn resolve(pieces: &[VariablePiece], context: &Context) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(128);
    for piece in pieces {
        match &piece.0 {
            Piece::Bytes(piece) => bytes.extend_from_slice(piece),
            Piece::Variable(variable) => bytes.extend_from_slice(value(variable, context)?.as_bytes()),
        }
    }
    Some(bytes)
}

/// The bytes of a pattern as they are written, with what is no wildcard and no variable escaped where that is asked.
fn written(bytes: &[u8], escapes: bool) -> String {
    let mut source = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        match first {
            STAR | STAR_IN_PART => source.push('*'),
            ONE | ONE_IN_PART => source.push('?'),
            b'*' | b'?' if escapes => {
                // Writing to a string cannot fail.
                let _ = write!(source, "${{{}}}", char::from(first));
            }
            b'$' if escapes && rest.get(1) == Some(&b'{') => source.push_str("${$}"),
            _ => {
                let length = rest.iter().position(|&byte| is_wild(byte) || matches!(byte, b'*' | b'?' | b'$'));
                let length = length.unwrap_or(rest.len()).max(1);
                source.push_str(&String::from_utf8_lossy(&rest[..length]));
                rest = &rest[length..];
                continue;
            }
        }
        rest = &rest[1..];
    }
    source
}

#[cfg(test)]
mod tests {
    use super::{Pattern, Wildcards};
    use crate::Context;

    /// With backtracking into every star these would not end.
    #[test]
    fn patterns_made_to_be_slow_are_not() {
        let text = "a".repeat(4000);
        let arn = format!("arn:aws:{text}:{text}:{text}:{text}");
        for (pattern, wildcards) in [
            ("*a".repeat(1000) + "b", Wildcards::Text),
            ("a*".repeat(1000) + "b*c", Wildcards::Text),
            (format!("arn:aws:{0}b:{0}b:{0}b:{0}b", "*a".repeat(300)), Wildcards::Resource),
            (format!("arn:aws:*:{0}:*:{0}b", "*a".repeat(300)), Wildcards::Resource),
            (format!("arn:aws:{0}:{0}:{0}:{0}b", "*a*".repeat(300)), Wildcards::Parts),
        ] {
            let pattern = Pattern::new(&pattern, wildcards, true);
            assert!(!pattern.matches(&arn, &Context::new()) && !pattern.matches(&text, &Context::new()));
        }
    }

    #[test]
    fn one_character_is_one_character() {
        let is_match =
            |pattern: &str, text: &str| Pattern::new(pattern, Wildcards::Text, false).matches(text, &Context::new());
        assert!(is_match("?", "é") && is_match("*?", "é") && is_match("?*", "é€") && is_match("??", "é€"));
        assert!(!is_match("??", "é") && !is_match("*??", "é") && !is_match("?*?", "€") && !is_match("?", ""));
    }

    #[test]
    fn patterns_are_written_as_they_read() {
        for source in
            ["a", "*", "a*b?c", "${aws:username}", "a/${k, 'd e'}*", "${*}${?}${$}{x}", "$${k}$", "${", "é*ü${k}"]
        {
            let pattern = Pattern::new(source, Wildcards::Resource, true);
            let again = Pattern::new(&pattern.source(true), Wildcards::Resource, true);
            assert_eq!(again, pattern, "{source}");
        }
        assert_eq!(Pattern::new("a${k}*", Wildcards::Text, false).source(false), "a${k}*");
    }
}
