//! What a browser is answered: S3's choice of an empty answer, a document, or a redirection.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html>.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, Uri, header};
use wire::{ResponseParts, ServiceError};

use super::fields::Fields;

/// How an upload ends.
#[derive(Debug)]
pub(crate) struct Ending {
    bucket: String,
    key: String,
    /// Where the object is.
    location: String,
    redirect: Option<Uri>,
    status: StatusCode,
    range: (u64, u64),
    seen: Arc<AtomicU64>,
}

impl Ending {
    /// The ending that a form asks for. `base` is the address of the bucket, without a slash at its end.
    pub(super) fn new(fields: &Fields, base: &str, range: (u64, u64), seen: Arc<AtomicU64>) -> Self {
        let (bucket, key) = (fields.get("bucket").unwrap_or_default(), fields.get("key").unwrap_or_default());
        // What cannot be redirected to counts as not being there.
        let redirect = fields.given("success_action_redirect").or_else(|| fields.given("redirect"));
        let redirect = redirect.and_then(|text| text.parse::<Uri>().ok());
        let is_web = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
        let status = match fields.get("success_action_status") {
            Some("200") => StatusCode::OK,
            Some("201") => StatusCode::CREATED,
            _ => StatusCode::NO_CONTENT,
        };
        Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            location: format!("{base}/{}", encode(key)),
            redirect: redirect.filter(is_web),
            status,
            range,
            seen,
        }
    }

    /// The answer to a form, in the place of the one to the operation that it became.
    pub(crate) fn finish(self, mut response: ResponseParts) -> ResponseParts {
        let etag = response.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
        let mut set = |name, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers.insert(name, value);
            }
        };
        if let Some(redirect) = self.redirect {
            let target = redirect.to_string();
            let joint = if redirect.query().is_some() { '&' } else { '?' };
            // As forms encode it, unlike an address.
            let [bucket, key, tag] = [&self.bucket, &self.key, &etag].map(|text| encode(text).replace("%20", "+"));
            set(header::LOCATION, &format!("{target}{joint}bucket={bucket}&key={key}&etag={tag}"));
            return ResponseParts { status: StatusCode::SEE_OTHER, headers: response.headers, body: Bytes::new() };
        }
        set(header::LOCATION, &self.location);
        let mut body = Bytes::new();
        if self.status == StatusCode::CREATED {
            set(header::CONTENT_TYPE, "application/xml");
            let (location, bucket, key) = (escape(&self.location), escape(&self.bucket), escape(&self.key));
            let etag = escape(&etag);
            body = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>{location}</Location><Bucket>{bucket}</Bucket><Key>{key}</Key><ETag>{etag}</ETag></PostResponse>"
            )
            .into();
        }
        ResponseParts { status: self.status, headers: response.headers, body }
    }

    /// A refusal with what S3 says besides, where the size of the file was wrong.
    pub(crate) fn explain(&self, refused: ServiceError) -> ServiceError {
        let size = self.seen.load(Ordering::Relaxed).to_string();
        let (least, most) = self.range;
        match &*refused.code {
            "EntityTooLarge" if refused.fields.is_empty() => {
                refused.with_field("ProposedSize", size).with_field("MaxSizeAllowed", most.to_string())
            }
            "EntityTooSmall" => {
                refused.with_field("ProposedSize", size).with_field("MinSizeAllowed", least.to_string())
            }
            _ => refused,
        }
    }
}

/// S3 encodes the slashes of keys too.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // Nothing else below a space may stand in XML.
            '\t' | '\n' | '\r' => escaped.push_str(&format!("&#{};", u32::from(character))),
            other if other < ' ' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{HeaderMap, StatusCode, header};
    use wire::ResponseParts;

    use super::Ending;
    use crate::post::fields::Fields;

    fn finished(extra: &[(&str, &str)]) -> ResponseParts {
        let mut fields = Fields::new("b");
        for (name, value) in [&[("key", "a&b/ü")][..], extra].concat() {
            fields.add(name, value.to_owned()).unwrap();
        }
        let ending = Ending::new(&fields, "http://host/b", (0, 1), Arc::default());
        let mut headers = HeaderMap::new();
        headers.insert(header::ETAG, "\"tag\"".parse().unwrap());
        ending.finish(ResponseParts { status: StatusCode::OK, headers, body: "never".into() })
    }

    #[test]
    fn endings() {
        let location = |answer: &ResponseParts| answer.headers[header::LOCATION].to_str().unwrap().to_owned();
        for (extra, status) in
            [(&[][..], 204), (&[("success_action_status", "200")], 200), (&[("success_action_status", "999")], 204)]
        {
            let answer = finished(extra);
            assert_eq!((answer.status.as_u16(), answer.body.len()), (status, 0));
            assert_eq!(location(&answer), "http://host/b/a%26b%2F%C3%BC");
        }
        let answer = finished(&[("Success_Action_Status", "201")]);
        assert_eq!(answer.status, 201);
        assert!(String::from_utf8_lossy(&answer.body).ends_with("<PostResponse><Location>http://host/b/a%26b%2F%C3%BC</Location><Bucket>b</Bucket><Key>a&amp;b/ü</Key><ETag>&quot;tag&quot;</ETag></PostResponse>"));
        for (name, target, expected) in [
            (
                "success_action_redirect",
                "https://example.net/done",
                "https://example.net/done?bucket=b&key=a%26b%2F%C3%BC&etag=%22tag%22",
            ),
            (
                "redirect",
                "http://example.net/?x=1",
                "http://example.net/?x=1&bucket=b&key=a%26b%2F%C3%BC&etag=%22tag%22",
            ),
        ] {
            let answer = finished(&[(name, target), ("success_action_status", "200")]);
            assert_eq!((answer.status.as_u16(), location(&answer)), (303, expected.to_owned()));
        }
        for bad in ["javascript:alert(1)", "/relative", "https://a b/", ""] {
            assert_eq!(finished(&[("success_action_redirect", bad)]).status, 204, "{bad}");
        }
    }
}
