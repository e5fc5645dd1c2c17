//! `multipart/form-data`: the form in which browsers upload files. A state machine over bytes; the caller feeds it what
//! arrives and takes the parts, piece by piece.
//! Not here: what a field means, and how many there may be.
//! Sources: RFC 7578 and RFC 2046, section 5.1.

use bytes::{Bytes, BytesMut};

/// Longest header block of one part, in bytes.
const MAX_HEAD: usize = 8 * 1024;
/// Longest boundary that RFC 2046 allows.
const MAX_BOUNDARY: usize = 70;

/// What a form consists of, in order: a head, data of any number of pieces, an end; for each part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A part begins.
    Part {
        /// The field's name.
        name: String,
        /// The file's name, if it is a file.
        filename: Option<String>,
    },
    /// More of the part's bytes.
    Data(Bytes),
    /// The part is over.
    End,
}

/// Why a body is no form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed multipart/form-data: {0}")]
pub struct MultipartError(&'static str);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first boundary.
    Preamble,
    /// Behind a boundary: another part, or the end of all.
    Boundary,
    Head,
    Data,
    Done,
}

/// Takes one form apart.
#[derive(Debug)]
pub struct Parser {
    /// The boundary with the line end and the dashes before it.
    delimiter: Vec<u8>,
    state: State,
    held: BytesMut,
    /// Bytes before the first boundary, which mean nothing.
    skipped: usize,
}

impl Parser {
    /// A parser for the form that a `Content-Type` announces; none if that is no form or names no boundary.
    pub fn for_content_type(content_type: &str) -> Option<Self> {
        let (kind, parameters) = content_type.split_once(';')?;
        if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let boundary = parameter(parameters, "boundary")?;
        let is_good = (1..=MAX_BOUNDARY).contains(&boundary.len())
            && boundary.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        let mut held = BytesMut::new();
        // As if a line had ended before the first boundary, which needs none.
        held.extend_from_slice(b"\r\n");
        is_good.then(|| Self {
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            state: State::Preamble,
            held,
            skipped: 0,
        })
    }

    /// Takes bytes as they arrived and gives what they complete, in order. No more than one head and one boundary are
    /// held back.
    ///
    /// # Errors
    /// [`MultipartError`]; the parser is of no use after one.
    pub fn feed(&mut self, input: &[u8]) -> Result<Vec<Event>, MultipartError> {
        self.held.extend_from_slice(input);
        let mut events = Vec::new();
        loop {
            let is_more = match self.state {
                State::Preamble => self.skip_to_boundary(None)?,
                State::Boundary => self.behind_boundary()?,
                State::Head => self.head(&mut events)?,
                State::Data => self.skip_to_boundary(Some(&mut events))?,
                State::Done => {
                    // Whatever follows the last boundary means nothing.
                    self.held.clear();
                    false
                }
            };
            if !is_more {
                return Ok(events);
            }
        }
    }

    /// Whether the last boundary has come.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Goes on to the next boundary; what is before it is data, if anybody wants it.
    fn skip_to_boundary(&mut self, data: Option<&mut Vec<Event>>) -> Result<bool, MultipartError> {
        let found = find(&self.held, &self.delimiter);
        // The end of what is held may be the beginning of a boundary.
        let safe = found.unwrap_or_else(|| self.held.len().saturating_sub(self.delimiter.len() - 1));
        let before = self.held.split_to(safe).freeze();
        match data {
            Some(events) => {
                if !before.is_empty() {
                    events.push(Event::Data(before));
                }
                if found.is_some() {
                    events.push(Event::End);
                }
            }
            None => {
                self.skipped += before.len();
                if self.skipped > MAX_HEAD {
                    return Err(MultipartError("no boundary"));
                }
            }
        }
        if found.is_some() {
            let _ = self.held.split_to(self.delimiter.len());
            self.state = State::Boundary;
        }
        Ok(found.is_some())
    }

    fn behind_boundary(&mut self) -> Result<bool, MultipartError> {
        if self.held.starts_with(b"--") {
            self.state = State::Done;
            return Ok(true);
        }
        let Some(end) = find(&self.held, b"\r\n") else {
            let is_possible = self.held.len() <= MAX_BOUNDARY;
            return if is_possible { Ok(false) } else { Err(MultipartError("text behind a boundary")) };
        };
        if self.held[..end].iter().any(|byte| !matches!(byte, b' ' | b'\t')) {
            return Err(MultipartError("text behind a boundary"));
        }
        // The line end stays: an empty head is two of them in a row.
        let _ = self.held.split_to(end);
        self.state = State::Head;
        Ok(true)
    }

    fn head(&mut self, events: &mut Vec<Event>) -> Result<bool, MultipartError> {
        let Some(end) = find(&self.held, b"\r\n\r\n") else {
            return if self.held.len() > MAX_HEAD { Err(MultipartError("head too long")) } else { Ok(false) };
        };
        if end > MAX_HEAD {
            return Err(MultipartError("head too long"));
        }
        let head = self.held.split_to(end);
        let _ = self.held.split_to(4);
        let head = std::str::from_utf8(&head).map_err(|_| MultipartError("head is not UTF-8"))?;
        let disposition = head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("content-disposition").then_some(value.trim())
        });
        let (kind, parameters) =
            disposition.and_then(|value| value.split_once(';')).ok_or(MultipartError("part without a name"))?;
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return Err(MultipartError("part that is no field"));
        }
        let name = parameter(parameters, "name").ok_or(MultipartError("part without a name"))?;
        events.push(Event::Part { name, filename: parameter(parameters, "filename") });
        self.state = State::Data;
        Ok(true)
    }
}

/// The value of a parameter such as `name="key"`. Only a quote may be escaped: browsers send file names with
/// backslashes as they are.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
}

fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' if characters.peek().is_some_and(|(_, next)| *next == '"') => {
                value.push('"');
                characters.next();
            }
            other => value.push(other),
        }
    }
    None
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = haystack.get(from..)?.iter().position(|byte| *byte == first) {
        let at = from + at;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Event, MAX_HEAD, MultipartError, Parser};

    /// Name, file name and bytes of each part.
    type Part = (String, Option<String>, Vec<u8>);

    fn parse(body: &[u8], step: usize) -> Result<(Vec<Part>, bool), MultipartError> {
        let mut parser = Parser::for_content_type("multipart/form-data; boundary=XX").unwrap();
        let mut parts: Vec<Part> = Vec::new();
        for piece in body.chunks(step.max(1)) {
            for event in parser.feed(piece)? {
                match event {
                    Event::Part { name, filename } => parts.push((name, filename, Vec::new())),
                    Event::Data(data) => parts.last_mut().unwrap().2.extend_from_slice(&data),
                    Event::End => {}
                }
            }
        }
        Ok((parts, parser.is_done()))
    }

    #[test]
    fn fields_and_files() {
        let body = b"ignored\r\n--XX\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na/${filename}\r\n--XX  \r\nContent-Type: image/png\r\ncontent-disposition: form-data; filename=\"C:\\dir\\a \\\"b\\\".png\"; name=file\r\n\r\n\r\n-\r\n--X\r\n\r\n--XX\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--XX--\r\nignored";
        for step in [1, 2, 3, 7, 50, 1000] {
            let (parts, is_done) = parse(body, step).unwrap();
            assert!(is_done);
            let expected = [
                ("key", None, &b"a/${filename}"[..]),
                ("file", Some("C:\\dir\\a \"b\".png"), b"\r\n-\r\n--X\r\n"),
                ("empty", None, b""),
            ];
            let expected = expected.map(|(name, file, data)| (name.to_owned(), file.map(str::to_owned), data.to_vec()));
            assert_eq!(parts, expected, "{step}");
        }
    }

    #[test]
    fn what_is_no_form_is_refused() {
        let head = "--XX\r\nContent-Disposition: form-data";
        for body in [
            "x".repeat(3 * MAX_HEAD),
            "--XXrubbish\r\n\r\n".to_owned(),
            "--XX\r\n\r\nno head\r\n".to_owned(),
            format!("--XX{}", " ".repeat(200)),
            format!("{head}\r\n\r\n"),
            format!("{head}; name=\"open\r\n\r\n"),
            format!("{head}; filename=\"a\"\r\n\r\n"),
            "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n".to_owned(),
            format!("{head}; name=a\r\nX: {}\r\n\r\n", "x".repeat(MAX_HEAD)),
            format!("{head}; name={}", "x".repeat(2 * MAX_HEAD)),
        ] {
            assert!(parse(body.as_bytes(), 4096).is_err(), "{}", &body[..body.len().min(60)]);
        }
        assert!(!parse(b"--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nb", 10).unwrap().1, "not over yet");
    }

    #[test]
    fn content_types() {
        let is_form = |text: &str| Parser::for_content_type(text).is_some();
        assert!(
            is_form("multipart/form-data; boundary=abc") && is_form("Multipart/Form-Data;charset=x;Boundary=\"a b\"")
        );
        for bad in ["", "multipart/form-data", "multipart/mixed; boundary=a", "multipart/form-data; boundary="] {
            assert!(!is_form(bad), "{bad}");
        }
        assert!(!is_form(&format!("multipart/form-data; boundary={}", "a".repeat(71))));
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_a_result(body in proptest::collection::vec(any::<u8>(), 0..300), step in 1usize..40) {
            let _ = parse(&body, step);
            let _ = parse(&[b"--XX\r\nContent-Disposition: form-data;", body.as_slice()].concat(), step);
        }

        #[test]
        fn any_data_comes_out_as_it_went_in(data in proptest::collection::vec(proptest::sample::select(b"\r\n-X0".to_vec()), 0..300), step in 1usize..40) {
            let mark = b"\r\n--XX";
            if !data.windows(mark.len()).any(|window| window == mark) && !data.starts_with(b"--XX") {
                let body = [b"--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n", data.as_slice(), b"\r\n--XX--"].concat();
                let (parts, is_done) = parse(&body, step).unwrap();
                assert!(is_done);
                assert_eq!(parts, [("a".to_owned(), None, data)]);
            }
        }
    }
}
