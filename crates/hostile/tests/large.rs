//! Bodies as large as a region takes, made to be slow: what they cost grows with their length and not with its square.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::time::{Duration, Instant};

use hostile::TARGETS;

/// As large as a body may be that is held in memory.
const BODY: usize = 2 * 1024 * 1024;
/// With the square of the length it would be minutes, even on a fast machine.
const LIMIT: Duration = Duration::from_secs(60);

fn check(target: &str, what: &str, body: &[u8]) {
    let target = TARGETS.iter().find(|known| known.name == target).unwrap();
    let begun = Instant::now();
    (target.check)(body);
    let taken = begun.elapsed();
    assert!(taken < LIMIT, "{}, {what}: {taken:?} for {} bytes", target.name, body.len());
}

/// `head`, then `part` of each number as often as the rest of a body has room, then `tail`.
fn filled(head: &str, part: impl Fn(usize) -> String, tail: &str) -> Vec<u8> {
    let mut body = head.to_owned();
    for number in 0.. {
        let part = part(number);
        if body.len() + part.len() + tail.len() > BODY {
            break;
        }
        body.push_str(&part);
    }
    body.push_str(tail);
    body.into_bytes()
}

#[test]
fn documents_of_a_hundred_thousand_parts() {
    check("xml", "attributes", &filled("<Everything ", |number| format!("a{number}='' "), "/>"));
    check("xml", "elements", &filled("<Everything>", |_| "<FlatName/>".to_owned(), "</Everything>"));
    check("xml", "an element without an end", &filled("<Everything>", |_| "<".to_owned(), ""));
    check("xml", "references", &filled("<Everything><Names><member>", |_| "&amp;".to_owned(), ""));
    check("xml", "depth", &filled("", |_| "<a>".to_owned(), ""));
    for target in ["json", "rest-json"] {
        check(target, "members", &filled("{", |number| format!("\"m{number}\":1,"), "\"x\":1}"));
        check(target, "keys of a map", &filled("{\"Counts\":{", |number| format!("\"{number}\":1,"), "\"x\":1}}"));
        check(target, "documents", &filled("{\"Document\":{", |number| format!("\"{number}\":1,"), "\"x\":1}}"));
        check(target, "depth", &filled("", |_| "[".to_owned(), ""));
        check(target, "escapes", &filled("{\"Choice\":{\"Left\":\"", |_| "\\u0000".to_owned(), "\"}}"));
    }
    check("cbor", "depth", &vec![0x9f; BODY]);
    check("cbor", "empty maps", &filled("\u{7f}", |_| "\u{60}".to_owned(), ""));
}

#[test]
fn forms_of_a_hundred_thousand_parameters() {
    for target in ["query-form", "ec2-form"] {
        let head = if target == "ec2-form" { "DescribeInstances\n" } else { "" };
        check(target, "parameters", &filled(head, |number| format!("p{number}=&"), ""));
        check(target, "elements", &filled(head, |number| format!("FlatName.{}=&", number + 1), ""));
        check(target, "one deep name", &filled(head, |_| "a.".to_owned(), "=1"));
        check(target, "indexes", &filled(head, |number| format!("Filter.1.Value.{}=x&", number + 1), ""));
    }
    check("percent", "pairs", &filled("", |_| "&a".to_owned(), ""));
}

#[test]
fn framings_of_a_million_pieces() {
    check("aws-chunked", "chunks", &filled("\0\u{3}", |_| "1\r\na\r\n".to_owned(), "0\r\n\r\n"));
    check("aws-chunked", "a line", &filled("\0\0", |_| "0".to_owned(), ""));
    let head = "\0multipart/form-data; boundary=XX\n";
    check("multipart", "almost boundaries", &filled(head, |_| "\r\n--X".to_owned(), ""));
    check(
        "multipart",
        "dashes",
        &filled(&format!("{head}--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n"), |_| "\r\n-".to_owned(), ""),
    );
}
