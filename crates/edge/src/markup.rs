//! What a visitor of a website sees of an error.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/CustomErrorDocSupport.html> and what website endpoints
//! answer.

use std::fmt::Write;

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use wire::ServiceError;

use crate::body::{AnswerBody, full};
use crate::trace::Trace;

/// What is known of a visitor's way, when the answer is written.
#[derive(Debug, Default)]
pub(crate) struct Visited {
    /// The key of the page for errors, and why that could not be had either.
    pub(crate) document: Option<(String, Told)>,
}

/// What is told of an error.
#[derive(Debug)]
pub(crate) struct Told {
    code: String,
    message: String,
}

impl From<&ServiceError> for Told {
    fn from(error: &ServiceError) -> Self {
        Self { code: error.code.to_string(), message: error.message.clone() }
    }
}

/// The page of an error, with what programs may read of it in headers.
pub(crate) fn error_page(trace: &Trace, visited: &Visited, refused: &ServiceError) -> Response<AnswerBody> {
    let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fields: Vec<(&str, &str)> = refused.fields.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let mut answer = page(trace, status, (&refused.code, &refused.message), &fields, visited);
    for (name, value) in &refused.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

/// A page that says nothing but its status, which is explained by a code and a text.
pub(crate) fn page(
    trace: &Trace,
    status: StatusCode,
    (code, message): (&str, &str),
    fields: &[(&str, &str)],
    visited: &Visited,
) -> Response<AnswerBody> {
    // S3 keeps to the name that this status had in HTTP/1.0.
    let title = match status.as_u16() {
        302 => "302 Moved Temporarily".to_owned(),
        _ => format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or("Error")),
    };
    let mut html = format!("<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<ul>\n");
    let item = |html: &mut String, name: &str, text: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(html, "<li>{}: {}</li>", escaped(name), escaped(text));
    };
    item(&mut html, "Code", code);
    item(&mut html, "Message", message);
    for (name, text) in fields {
        item(&mut html, name, text);
    }
    item(&mut html, "RequestId", &trace.request_id);
    item(&mut html, "HostId", &trace.host_id);
    html.push_str("</ul>\n");
    if let Some((key, told)) = &visited.document {
        html.push_str("<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n");
        item(&mut html, "Code", &told.code);
        item(&mut html, "Message", &told.message);
        item(&mut html, "Key", key);
        html.push_str("</ul>\n");
    }
    html.push_str("<hr/>\n</body>\n</html>\n");
    let has_body = !trace.is_head && status != StatusCode::NOT_MODIFIED;
    let mut answer = Response::new(full(if has_body { html.into() } else { bytes::Bytes::new() }));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    if has_body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    }
    if status != StatusCode::NOT_MODIFIED {
        explain(&mut answer, code, message);
        for (name, text) in fields {
            let name = format!("x-amz-error-detail-{}", name.to_ascii_lowercase());
            if let (Ok(name), Ok(text)) = (name.parse::<HeaderName>(), HeaderValue::from_str(text)) {
                answer.headers_mut().insert(name, text);
            }
        }
    }
    answer
}

/// Adds the headers that tell programs of an error.
pub(crate) fn explain(answer: &mut Response<AnswerBody>, code: &str, message: &str) {
    for (name, text) in [("x-amz-error-code", code), ("x-amz-error-message", message)] {
        if let Ok(text) = HeaderValue::from_str(text) {
            answer.headers_mut().insert(name, text);
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_key_is_text_and_never_markup() {
        assert_eq!(escaped("<script>\"a&b\"</script>"), "&lt;script&gt;&quot;a&amp;b&quot;&lt;/script&gt;");
    }
}
