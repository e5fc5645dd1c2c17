//! Reads a document into a tree of elements. Refused: document types, entities other than the five of XML itself,
//! processing instructions, anything but UTF-8, and documents deeper or larger than any request of AWS's.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use crate::MAX_DEPTH;
use crate::error::{DecodeError, DecodeReason};

/// More elements than this are refused. `DeleteObjects` with a thousand keys has five thousand.
const MAX_ELEMENTS: usize = 100_000;

/// One element.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    /// The name, without prefix.
    pub name: String,
    /// Attributes, their names with prefix.
    pub attributes: Vec<(String, String)>,
    /// All text directly within, put together.
    pub text: String,
    /// The elements directly within.
    pub children: Vec<Element>,
}

fn refuse(why: impl ToString) -> DecodeError {
    DecodeError::new("", DecodeReason::Xml(why.to_string())).in_body()
}

fn open(start: &BytesStart<'_>) -> Result<Element, DecodeError> {
    let name = start.local_name().as_ref().to_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(refuse)?;
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(refuse)?;
        attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(Element { name, attributes, ..Element::default() })
}

/// Reads `document`, gives its root element.
///
/// # Errors
/// [`DecodeReason::Xml`], [`DecodeReason::TooDeep`] or [`DecodeReason::TooMany`].
pub(crate) fn parse(document: &[u8]) -> Result<Element, DecodeError> {
    let text = std::str::from_utf8(document).map_err(refuse)?;
    // XML 1.0, 2.2. The parser below lets them pass, and no answer could give them back.
    if text.bytes().any(|byte| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')) {
        return Err(refuse("a control character"));
    }
    let mut reader = Reader::from_str(text);
    let mut stack: Vec<Element> = Vec::new();
    let mut root = None;
    let mut count = 0_usize;
    loop {
        let event = reader.read_event().map_err(refuse)?;
        match event {
            Event::Start(_) | Event::Empty(_) if root.is_some() => return Err(refuse("two root elements")),
            Event::Start(_) | Event::Empty(_) if stack.len() >= MAX_DEPTH => {
                return Err(DecodeError::new("", DecodeReason::TooDeep).in_body());
            }
            Event::Start(_) | Event::Empty(_) if count >= MAX_ELEMENTS => {
                return Err(DecodeError::new("", DecodeReason::TooMany).in_body());
            }
            Event::Start(start) => {
                count += 1;
                stack.push(open(&start)?);
            }
            Event::Empty(start) => {
                count += 1;
                close(open(&start)?, &mut stack, &mut root);
            }
            Event::End(_) => {
                let element = stack.pop().ok_or_else(|| refuse("an end without a start"))?;
                close(element, &mut stack, &mut root);
            }
            Event::Text(text) => add_text(&text.xml10_content(), &mut stack)?,
            Event::CData(text) => add_text(&text.xml10_content(), &mut stack)?,
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref().map_err(refuse)? {
                    Some(character) => character.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(&reference)
                        .ok_or_else(|| refuse("an entity that XML does not predefine"))?
                        .to_owned(),
                };
                stack.last_mut().ok_or_else(|| refuse("a reference outside of the root"))?.text.push_str(&resolved);
            }
            Event::Comment(_) | Event::Decl(_) => {}
            Event::PI(_) => return Err(refuse("a processing instruction")),
            Event::DocType(_) => return Err(refuse("a document type")),
            Event::Eof if stack.is_empty() => return root.ok_or_else(|| refuse("no root element")),
            Event::Eof => return Err(refuse("an element without an end")),
        }
    }
}

fn add_text(text: &str, stack: &mut [Element]) -> Result<(), DecodeError> {
    match stack.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(refuse("text outside of the root")),
    }
    Ok(())
}

fn close(element: Element, stack: &mut [Element], root: &mut Option<Element>) {
    match stack.last_mut() {
        Some(parent) => parent.children.push(element),
        None => *root = Some(element),
    }
}
