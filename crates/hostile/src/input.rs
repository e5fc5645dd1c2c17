//! Takes an input's bytes apart, so that a search that changes one part leaves the others as they are.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Bytes not used yet.
pub(crate) struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// The next byte; zero when there is none.
    pub(crate) fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// A number below `end`, which must not be zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (usize::from(self.byte()) << 8 | usize::from(self.byte())) % end
    }

    /// The bytes up to the next newline, which is dropped.
    pub(crate) fn line(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == b'\n').unwrap_or(self.0.len());
        let line = &self.0[..end];
        self.0 = self.0.get(end + 1..).unwrap_or_default();
        line
    }
}

/// A request as a person would write it: `METHOD path?query`, lines of headers, an empty line, the body.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub method: http::Method,
    pub path: &'a str,
    pub query: &'a str,
    /// In the order given, so that it can be turned.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// None if HTTP itself would refuse it: that is hyper's to do.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut input = Input(bytes);
        let first = std::str::from_utf8(input.line()).ok()?;
        let (method, target) = first.split_once(' ')?;
        let uri: http::Uri = target.parse().ok()?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        // A URI with a scheme, or with a fragment, is not written in the form that a request has.
        if uri.path() != path || uri.query().unwrap_or_default() != query {
            return None;
        }
        let mut headers = Vec::new();
        loop {
            let line = input.line();
            if line.is_empty() {
                break;
            }
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = HeaderName::from_bytes(&line[..colon]).ok()?;
            let value = line[colon + 1..].trim_ascii();
            headers.push((name, HeaderValue::from_bytes(value).ok()?));
        }
        let method = method.parse().ok()?;
        Some(Self { method, path, query, headers, body: input.0 })
    }

    /// The headers in the order given, or in the opposite one with those of one name in their own order.
    pub(crate) fn header_map(&self, is_turned: bool) -> HeaderMap {
        let mut map = HeaderMap::new();
        let mut names: Vec<&HeaderName> = self.headers.iter().map(|(name, _)| name).collect();
        if is_turned {
            names.reverse();
        }
        for wanted in names {
            if !map.contains_key(wanted) {
                for (name, value) in self.headers.iter().filter(|(name, _)| name == wanted) {
                    map.append(name, value.clone());
                }
            }
        }
        map
    }
}
