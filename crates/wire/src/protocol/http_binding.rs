//! What the REST protocols share: members that travel in the path, the query, the headers or the status.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};

use super::{RequestParts, ResponseParts, add_header, status_code};
use crate::error::{DecodeError, DecodeReason};
use crate::scalar::{self, TimestampStyle};
use crate::shape::{Kind, Location, Member, Shape};
use crate::value::Value;
use crate::xml::encode_text;

/// A member that travels in the path, the query or the headers.
pub(super) fn decode_bound(member: &Member, parts: &RequestParts) -> Result<Option<Value>, DecodeError> {
    let shape: &Shape = &member.shape;
    match member.location {
        Location::Uri => {
            let label = parts.labels.iter().find(|(name, _)| *name == member.wire_name);
            label.map(|(_, text)| scalar::parse(shape, text)).transpose()
        }
        Location::Query => {
            if let Kind::Map { value, .. } = &shape.kind {
                return decode_query_map(value, parts).map(Some);
            }
            let mut texts = parts.query.iter().filter(|(name, _)| name == member.wire_name);
            if let Kind::List { member: item, .. } = &shape.kind {
                let items: Vec<_> = texts
                    .map(|(_, text)| scalar::parse(item, text.as_deref().unwrap_or("")))
                    .collect::<Result<_, _>>()?;
                return Ok((!items.is_empty()).then_some(Value::List(items)));
            }
            let first = texts.next();
            if texts.next().is_some() {
                return Err(DecodeError::new("", DecodeReason::Duplicate));
            }
            match first {
                // Empty numbers and dates are sent by careless clients and mean "not given" to S3.
                Some((_, text)) if text.as_deref().unwrap_or("").is_empty() && !matches!(shape.kind, Kind::String) => {
                    Ok(None)
                }
                Some((_, text)) => scalar::parse(shape, text.as_deref().unwrap_or("")).map(Some),
                None => Ok(None),
            }
        }
        Location::Header => decode_header(member, &parts.headers),
        Location::Headers => decode_prefix(member, &parts.headers),
        Location::Body | Location::StatusCode => Ok(None),
    }
}

/// All parameters of the query, those that other members have names for too, as Smithy has it.
fn decode_query_map(shape: &Shape, parts: &RequestParts) -> Result<Value, DecodeError> {
    let mut pairs: Vec<(String, Value)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (name, text) in &parts.query {
        let text = text.as_deref().unwrap_or("");
        let next = pairs.len();
        let place = *places.entry(name).or_insert(next);
        match (&shape.kind, pairs.get_mut(place)) {
            (Kind::List { member, .. }, Some((_, Value::List(items)))) => items.push(scalar::parse(member, text)?),
            (_, Some(_)) => return Err(DecodeError::new(name.as_str(), DecodeReason::Duplicate)),
            (Kind::List { member, .. }, None) => {
                pairs.push((name.clone(), Value::List(vec![scalar::parse(member, text)?])));
            }
            (_, None) => pairs.push((name.clone(), scalar::parse(shape, text)?)),
        }
    }
    Ok(Value::Map(pairs))
}

fn header_text(value: &HeaderValue) -> Result<&str, DecodeError> {
    std::str::from_utf8(value.as_bytes()).map_err(|_| DecodeError::new("", DecodeReason::Encoding))
}

/// The elements of a list in a header: separated by commas, an element with commas or quotes of its own in quotes.
/// Source: RFC 9110, 5.6.1 and 5.6.4.
fn header_items(text: &str) -> Vec<String> {
    let (mut items, mut item) = (Vec::new(), String::new());
    let (mut is_quoted, mut was_quoted) = (false, false);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted => is_quoted = false,
            '"' if item.trim().is_empty() => {
                (is_quoted, was_quoted) = (true, true);
                item.clear();
            }
            '\\' if is_quoted => item.extend(characters.next()),
            ',' if !is_quoted => items.push((std::mem::take(&mut item), std::mem::take(&mut was_quoted))),
            other => item.push(other),
        }
    }
    items.push((item, was_quoted));
    let items = items.into_iter().map(|(item, was_quoted)| if was_quoted { item } else { item.trim().to_owned() });
    items.filter(|item| !item.is_empty()).collect()
}

fn decode_header(member: &Member, headers: &HeaderMap) -> Result<Option<Value>, DecodeError> {
    let values = headers.get_all(member.wire_name).iter();
    if let Kind::List { member: item, .. } = &member.shape.kind {
        let mut items = Vec::new();
        for value in values {
            for text in header_items(header_text(value)?) {
                items.push(scalar::parse(item, &text)?);
            }
        }
        return Ok((!items.is_empty()).then_some(Value::List(items)));
    }
    let texts = values.map(header_text).collect::<Result<Vec<_>, _>>()?;
    let text = match texts.as_slice() {
        [] => return Ok(None),
        [one] => (*one).to_owned(),
        // RFC 9110, 5.2: lines of one name are one list.
        several if matches!(member.shape.kind, Kind::String) => several.join(", "),
        _ => return Err(DecodeError::new("", DecodeReason::Duplicate)),
    };
    match scalar::parse(&member.shape, text.trim()) {
        // RFC 9110, 13.1.3: a date of HTTP's own headers that is no date counts as not given.
        Err(_) if matches!(member.shape.kind, Kind::Timestamp(_)) && !is_amazons(member.wire_name) => Ok(None),
        parsed => parsed.map(Some),
    }
}

fn is_amazons(header: &str) -> bool {
    header.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"))
}

/// `x-amz-meta-*`: the names come in lower case, as HTTP libraries give them and S3 stores them. Repeated ones are
/// joined with a comma, as S3 does.
fn decode_prefix(member: &Member, headers: &HeaderMap) -> Result<Option<Value>, DecodeError> {
    let Kind::Map { value: shape, .. } = &member.shape.kind else { return Ok(None) };
    let prefix = member.wire_name.to_ascii_lowercase();
    let mut pairs = Vec::new();
    for name in headers.keys() {
        let Some(key) = name.as_str().strip_prefix(&prefix).filter(|key| !key.is_empty()) else { continue };
        let texts = headers.get_all(name).iter().map(header_text).collect::<Result<Vec<_>, _>>()?;
        let value = scalar::parse(shape, texts.join(",").trim()).map_err(|error| error.within(key))?;
        pairs.push((key.to_owned(), value));
    }
    Ok((!pairs.is_empty()).then_some(Value::Map(pairs)))
}

/// Writes a member that travels as a header or as the status.
pub(super) fn encode_bound(parts: &mut ResponseParts, member: &Member, value: &Value) {
    match (member.location, value) {
        (Location::Header, Value::List(items)) => {
            let Kind::List { member: item, .. } = &member.shape.kind else { return };
            let texts: Vec<_> =
                items.iter().map(|value| encode_text(item, None, value, TimestampStyle::HttpDate)).collect();
            add_header(&mut parts.headers, member.wire_name, &texts.join(","));
        }
        (Location::Header, _) => {
            let text = encode_text(&member.shape, Some(member), value, TimestampStyle::HttpDate);
            add_header(&mut parts.headers, member.wire_name, &text);
        }
        (Location::Headers, Value::Map(pairs)) => {
            for (key, value) in pairs {
                let text = encoded_word(scalar::format(value, None, TimestampStyle::HttpDate).unwrap_or_default());
                add_header(&mut parts.headers, &format!("{}{key}", member.wire_name), &text);
            }
        }
        (Location::StatusCode, Value::Integer(status)) => {
            parts.status = status_code(u16::try_from(*status).unwrap_or(0));
        }
        _ => {}
    }
}

/// S3 gives metadata beyond ASCII back as RFC 2047 has it in mail: `=?UTF-8?B?…?=`.
fn encoded_word(text: String) -> String {
    if text.is_ascii() { text } else { format!("=?UTF-8?B?{}?=", STANDARD.encode(text)) }
}
