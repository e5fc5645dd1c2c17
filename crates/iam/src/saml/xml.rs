//! XML as signatures need it: elements with their name spaces, so that they can be written in the one form that was
//! signed. Refused: document types, entities other than the five of XML itself, processing instructions, and documents
//! deeper or larger than any assertion. Comments are left out, and the text on both sides is one: nobody reads less of
//! a name than was signed.

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Elements within elements.
const MAX_DEPTH: usize = 64;
/// Elements of a document.
const MAX_ELEMENTS: usize = 50_000;

/// A document is none that is taken here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct XmlError(pub(crate) String);

/// Prefixes and what they stand for; the empty prefix is the default.
pub(super) type Spaces = BTreeMap<String, String>;

/// A name with its prefix and its name space.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) prefix: String,
    pub(super) local: String,
    pub(super) space: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) name: Name,
    pub(super) value: String,
}

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(super) name: Name,
    pub(super) attributes: Vec<Attribute>,
    /// All that is in scope, whether it is said here or above.
    pub(super) spaces: Spaces,
    pub(super) children: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// Whether it has this name in this name space.
    pub(super) fn is(&self, space: &str, local: &str) -> bool {
        self.name.local == local && self.name.space == space
    }

    /// The elements directly within.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Those of them with this name.
    pub(super) fn all<'a>(&'a self, space: &'a str, local: &'a str) -> impl Iterator<Item = &'a Self> {
        self.elements().filter(move |element| element.is(space, local))
    }

    /// The only one of them with this name; none if there are none or several.
    pub(super) fn only(&self, space: &str, local: &str) -> Option<&Self> {
        let mut all = self.elements().filter(|element| element.is(space, local));
        all.next().filter(|_| all.next().is_none())
    }

    /// It and all elements within, at any depth.
    pub(super) fn every(&self) -> Vec<&Self> {
        let mut found = vec![self];
        let mut next = 0;
        while let Some(element) = found.get(next).copied() {
            found.extend(element.elements());
            next += 1;
        }
        found
    }

    /// An attribute without a name space.
    pub(super) fn attribute(&self, local: &str) -> Option<&str> {
        let is_it = |attribute: &&Attribute| attribute.name.space.is_empty() && attribute.name.local == local;
        self.attributes.iter().find(is_it).map(|attribute| attribute.value.as_str())
    }

    /// The text directly within, without the white space around it; none if there are elements within.
    pub(super) fn text(&self) -> Option<String> {
        let mut text = String::new();
        for child in &self.children {
            match child {
                Node::Text(more) => text.push_str(more),
                Node::Element(_) => return None,
            }
        }
        Some(text.trim().to_owned())
    }
}

/// Reads a document, gives its root.
pub(super) fn parse(document: &str) -> Result<Element, XmlError> {
    if document.bytes().any(|byte| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')) {
        return Err(refuse("a control character"));
    }
    let mut reader = Reader::from_str(document.trim_start_matches('\u{feff}'));
    let mut stack: Vec<Element> = Vec::new();
    let mut root = None;
    let mut count = 0_usize;
    loop {
        match reader.read_event().map_err(refuse)? {
            Event::Start(_) | Event::Empty(_) if root.is_some() => return Err(refuse("two root elements")),
            Event::Start(_) | Event::Empty(_) if stack.len() >= MAX_DEPTH || count >= MAX_ELEMENTS => {
                return Err(refuse("too many elements"));
            }
            Event::Start(start) => {
                count += 1;
                let element = open(&start, stack.last())?;
                stack.push(element);
            }
            Event::Empty(start) => {
                count += 1;
                let element = open(&start, stack.last())?;
                close(element, &mut stack, &mut root);
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
                if stack.is_empty() {
                    return Err(refuse("a reference outside of the root"));
                }
                add_text(&resolved, &mut stack)?;
            }
            Event::Comment(_) | Event::Decl(_) => {}
            Event::PI(_) => return Err(refuse("a processing instruction")),
            Event::DocType(_) => return Err(refuse("a document type")),
            Event::Eof if stack.is_empty() => return root.ok_or_else(|| refuse("no root element")),
            Event::Eof => return Err(refuse("an element without an end")),
        }
    }
}

fn refuse(why: impl ToString) -> XmlError {
    XmlError(why.to_string())
}

fn open(start: &BytesStart<'_>, parent: Option<&Element>) -> Result<Element, XmlError> {
    let mut spaces = match parent {
        Some(parent) => parent.spaces.clone(),
        None => Spaces::from([("xml".to_owned(), "http://www.w3.org/XML/1998/namespace".to_owned())]),
    };
    let mut plain = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(refuse)?;
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(refuse)?.into_owned();
        let key: &str = attribute.key.as_ref();
        match key.split_once(':') {
            None if key == "xmlns" => drop(spaces.insert(String::new(), value)),
            Some(("xmlns", prefix)) if prefix == "xml" || prefix == "xmlns" || value.is_empty() => {
                return Err(refuse("a name space that cannot be declared"));
            }
            Some(("xmlns", prefix)) => drop(spaces.insert(prefix.to_owned(), value)),
            None => plain.push((String::new(), key.to_owned(), value)),
            Some((prefix, local)) => plain.push((prefix.to_owned(), local.to_owned(), value)),
        }
    }
    let whole = start.name();
    let whole: &str = whole.as_ref();
    let (prefix, local) = whole.split_once(':').unwrap_or(("", whole));
    let name = name(prefix, local, &spaces, true)?;
    let mut attributes: Vec<Attribute> = Vec::new();
    for (prefix, local, value) in plain {
        let name = self::name(&prefix, &local, &spaces, false)?;
        if attributes.iter().any(|known| known.name.local == name.local && known.name.space == name.space) {
            return Err(refuse("an attribute twice"));
        }
        attributes.push(Attribute { name, value });
    }
    Ok(Element { name, attributes, spaces, children: Vec::new() })
}

/// A name in its name space. Attributes without a prefix are in none.
fn name(prefix: &str, local: &str, spaces: &Spaces, is_element: bool) -> Result<Name, XmlError> {
    if local.is_empty() || local.contains(':') {
        return Err(refuse("a name that is none"));
    }
    let space = match (prefix, spaces.get(prefix)) {
        ("", _) if !is_element => "",
        ("", None) => "",
        (_, Some(space)) => space,
        (_, None) => return Err(refuse("a prefix that nobody declared")),
    };
    Ok(Name { prefix: prefix.to_owned(), local: local.to_owned(), space: space.to_owned() })
}

fn add_text(text: &str, stack: &mut [Element]) -> Result<(), XmlError> {
    match stack.last_mut() {
        Some(element) => match element.children.last_mut() {
            Some(Node::Text(before)) => before.push_str(text),
            _ => element.children.push(Node::Text(text.to_owned())),
        },
        None if text.trim().is_empty() => {}
        None => return Err(refuse("text outside of the root")),
    }
    Ok(())
}

fn close(element: Element, stack: &mut [Element], root: &mut Option<Element>) {
    match stack.last_mut() {
        Some(parent) => parent.children.push(Node::Element(element)),
        None => *root = Some(element),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_could_mean_two_things_is_refused() {
        for bad in [
            "",
            "<a>",
            "<a/><b/>",
            "<a></b>",
            "<!DOCTYPE a><a/>",
            "<a>&x;</a>",
            "<a><?p?></a>",
            "<p:a/>",
            "<a p:b='1'/>",
            "<a b='1' b='2'/>",
            "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>",
            "<a xmlns:xml='u'/>",
            "<a>\u{1}</a>",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse(&"<a>".repeat(100)).is_err());
    }

    #[test]
    fn text_around_a_comment_is_one() {
        let root = parse("<a>ann@example<!-- x -->.evil &amp; <![CDATA[<b>]]></a>").unwrap();
        assert_eq!(root.text().unwrap(), "ann@example.evil & <b>");
    }
}
