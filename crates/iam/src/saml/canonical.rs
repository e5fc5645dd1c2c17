//! Exclusive canonical XML without comments: the one form of an element that is signed.
//! Source: <https://www.w3.org/TR/xml-exc-c14n/>, and <https://www.w3.org/TR/xml-c14n/> for how characters are written.

use super::xml::{Attribute, Element, Node, Spaces};

/// The canonical form of `element`. `without` is left out, which is how an enveloped signature does not sign itself;
/// `inclusive` are the prefixes that are written whether they are used or not.
pub(super) fn canonical(element: &Element, without: Option<&Element>, inclusive: &[&str]) -> String {
    let mut out = String::new();
    write(element, without, inclusive, &Spaces::new(), &mut out);
    out
}

fn write(element: &Element, without: Option<&Element>, inclusive: &[&str], above: &Spaces, out: &mut String) {
    if without.is_some_and(|without| std::ptr::eq(without, element)) {
        return;
    }
    let name = if element.name.prefix.is_empty() {
        element.name.local.clone()
    } else {
        format!("{}:{}", element.name.prefix, element.name.local)
    };
    out.push('<');
    out.push_str(&name);
    let mut written = above.clone();
    for (prefix, space) in used(element, inclusive) {
        let before = above.get(prefix).map(String::as_str);
        if before == Some(space) || (before.is_none() && space.is_empty()) {
            continue;
        }
        out.push_str(" xmlns");
        if !prefix.is_empty() {
            out.push(':');
            out.push_str(prefix);
        }
        out.push_str("=\"");
        escape_value(space, out);
        out.push('"');
        written.insert(prefix.to_owned(), space.to_owned());
    }
    let mut attributes: Vec<&Attribute> = element.attributes.iter().collect();
    attributes.sort_by(|one, other| (&one.name.space, &one.name.local).cmp(&(&other.name.space, &other.name.local)));
    for attribute in attributes {
        out.push(' ');
        if !attribute.name.prefix.is_empty() {
            out.push_str(&attribute.name.prefix);
            out.push(':');
        }
        out.push_str(&attribute.name.local);
        out.push_str("=\"");
        escape_value(&attribute.value, out);
        out.push('"');
    }
    out.push('>');
    for child in &element.children {
        match child {
            Node::Element(child) => write(child, without, inclusive, &written, out),
            Node::Text(text) => escape_text(text, out),
        }
    }
    out.push_str("</");
    out.push_str(&name);
    out.push('>');
}

/// The prefixes that an element makes use of, with what they stand for, in order.
fn used<'a>(element: &'a Element, inclusive: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let mut prefixes = vec![element.name.prefix.as_str()];
    let of_attributes = element.attributes.iter().map(|attribute| attribute.name.prefix.as_str());
    prefixes.extend(of_attributes.filter(|prefix| !prefix.is_empty()));
    let declared = |prefix: &&str| element.spaces.contains_key(*prefix);
    prefixes.extend(inclusive.iter().map(|prefix| if *prefix == "#default" { "" } else { *prefix }).filter(declared));
    prefixes.sort_unstable();
    prefixes.dedup();
    prefixes.retain(|prefix| *prefix != "xml");
    let space = |prefix: &'a str| (prefix, element.spaces.get(prefix).map_or("", String::as_str));
    prefixes.into_iter().map(space).collect()
}

fn escape_text(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
}

fn escape_value(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;
    use crate::saml::xml::parse;

    /// The outcomes are those of lxml (`etree.tostring(…, method="c14n", exclusive=True)`).
    #[test]
    fn there_is_one_form() {
        for (given, inclusive, expected) in [
            ("<a  b='1'\n a=\"2\" ><c/></a>", &[][..], r#"<a a="2" b="1"><c></c></a>"#),
            (
                "<p:a xmlns:p='u:p' xmlns:q='u:q' xmlns='u:d'><b q:x='1'/><p:c/></p:a>",
                &[],
                r#"<p:a xmlns:p="u:p"><b xmlns="u:d" xmlns:q="u:q" q:x="1"></b><p:c></p:c></p:a>"#,
            ),
            ("<a xmlns='u'><b xmlns=''/></a>", &[], r#"<a xmlns="u"><b xmlns=""></b></a>"#),
            (
                "<p:a xmlns:p='u:p' xmlns:q='u:q'><b/></p:a>",
                &["q"],
                r#"<p:a xmlns:p="u:p" xmlns:q="u:q"><b></b></p:a>"#,
            ),
            ("<a b='&#9;&lt;&quot;&#13;'>&gt;&#13;\r\n\"</a>", &[], "<a b=\"&#x9;&lt;&quot;&#xD;\">&gt;&#xD;\n\"</a>"),
            ("<a xml:lang='en' z='1'/>", &[], r#"<a z="1" xml:lang="en"></a>"#),
        ] {
            assert_eq!(canonical(&parse(given).unwrap(), None, inclusive), expected, "{given}");
        }
    }

    #[test]
    fn a_child_is_left_out_by_being_itself() {
        let root = parse("<a><b/><b/></a>").unwrap();
        let second = root.elements().nth(1);
        assert_eq!(canonical(&root, second, &[]), "<a><b></b></a>");
    }
}
