//! Where a cloud answers, who calls it there, and signed requests to it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use wire::sigv4::{CanonicalRequest, PathRule, Scope, Signer, SigningKey, amz_date, sha256_hex, sign_headers};

use crate::connection::Connection;

/// The longest that any single call may take.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// A service as requests name it: its signing name and API version.
#[derive(Debug, Clone, Copy)]
pub struct Service(pub &'static str, pub &'static str);

/// EC2.
pub const EC2: Service = Service("ec2", "2016-11-15");
/// S3, which has no version in its requests.
pub const S3: Service = Service("s3", "2006-03-01");
/// IAM.
pub const IAM: Service = Service("iam", "2010-05-08");
/// STS.
pub const STS: Service = Service("sts", "2011-06-15");

/// A cloud's endpoint, with the credentials that are good there.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Where it listens.
    pub address: SocketAddr,
    /// The access key.
    pub access_key: String,
    /// Its secret.
    pub secret: String,
    /// Its session's token, if it is a temporary one.
    pub token: Option<String>,
    /// The region's name.
    pub region: String,
}

impl Endpoint {
    /// A whole HTTP request of a form protocol, signed now; good for fifteen minutes. Requests of different `number`s
    /// have different signatures.
    ///
    /// # Errors
    /// If a value cannot be a header.
    pub fn request(&self, service: Service, action: &str, parameters: &[(&str, &str)], number: u64) -> Result<Vec<u8>> {
        let mut body = format!("Action={action}&Version={}", service.1);
        for (name, value) in parameters {
            body.push_str(&format!("&{name}={value}"));
        }
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, form);
        headers.insert("amz-sdk-invocation-id", HeaderValue::from_str(&format!("bench-{number:016x}"))?);
        self.signed(service, ("POST", "/"), headers, &body)
    }

    /// A whole HTTP request to S3 in path style, signed as [`Endpoint::request`] is.
    ///
    /// # Errors
    /// If a value cannot be a header.
    pub fn s3_request(&self, method: &str, path: &str, body: &str) -> Result<Vec<u8>> {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-content-sha256", HeaderValue::from_str(&sha256_hex(body.as_bytes()))?);
        self.signed(S3, (method, path), headers, body)
    }

    /// The head of a request to S3 in path style, whose body of so many bytes is not signed: no client's hash is measured.
    ///
    /// # Errors
    /// If a value cannot be a header.
    pub fn s3_head(&self, method: &str, (path, query): (&str, &str), extra: HeaderMap, length: u64) -> Result<Vec<u8>> {
        const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
        let mut headers = extra;
        headers.insert("x-amz-content-sha256", HeaderValue::from_static(UNSIGNED));
        self.head(S3, (method, path, query), headers, UNSIGNED, length)
    }

    fn signed(
        &self,
        service: Service,
        (method, path): (&str, &str),
        headers: HeaderMap,
        body: &str,
    ) -> Result<Vec<u8>> {
        let payload = sha256_hex(body.as_bytes());
        let mut bytes = self.head(service, (method, path, ""), headers, &payload, body.len() as u64)?;
        bytes.extend_from_slice(body.as_bytes());
        Ok(bytes)
    }

    fn head(
        &self,
        service: Service,
        (method, path, query): (&str, &str, &str),
        mut headers: HeaderMap,
        payload: &str,
        length: u64,
    ) -> Result<Vec<u8>> {
        let date = amz_date(Timestamp::now());
        let scope = Scope { date: date[..8].to_owned(), region: self.region.clone(), service: service.0.to_owned() };
        headers.insert(header::HOST, HeaderValue::from_str(&self.address.to_string())?);
        headers.insert("x-amz-date", HeaderValue::from_str(&date)?);
        if let Some(token) = &self.token {
            headers.insert("x-amz-security-token", HeaderValue::from_str(token)?);
        }
        let canonical = CanonicalRequest {
            method,
            path,
            query,
            headers: &headers,
            payload,
            path_rule: if service.0 == S3.0 { PathRule::Once } else { PathRule::Twice },
        };
        let key = SigningKey::derive(&self.secret, &scope);
        let authorization =
            sign_headers(&canonical, &Signer { access_key: &self.access_key, scope: &scope, key: &key })?;
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&authorization)?);
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        headers.insert(header::USER_AGENT, HeaderValue::from_static("aws-sdk-like/1 bench"));
        let separator = if query.is_empty() { "" } else { "?" };
        let mut bytes = format!("{method} {path}{separator}{query} HTTP/1.1\r\n").into_bytes();
        for (name, value) in &headers {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        Ok(bytes)
    }

    /// Makes one call on a connection of its own and gives the answer's text.
    ///
    /// # Errors
    /// If there is no answer in time, or it is not a success.
    pub async fn call(&self, service: Service, action: &str, parameters: &[(&str, &str)]) -> Result<String> {
        self.call_on(&mut Connection::new(self.address), service, action, parameters).await
    }

    /// Makes one call on an open connection.
    ///
    /// # Errors
    /// As [`Endpoint::call`].
    pub async fn call_on(
        &self,
        connection: &mut Connection,
        service: Service,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String> {
        answer_to(connection, &self.request(service, action, parameters, 0)?, action).await
    }

    /// Makes a bucket.
    ///
    /// # Errors
    /// As [`Endpoint::call`].
    pub async fn make_bucket(&self, name: &str) -> Result<()> {
        let request = self.s3_request("PUT", &format!("/{name}"), "")?;
        answer_to(&mut Connection::new(self.address), &request, "CreateBucket").await.map(drop)
    }
}

async fn answer_to(connection: &mut Connection, request: &[u8], action: &str) -> Result<String> {
    let exchange = tokio::time::timeout(CALL_LIMIT, connection.exchange(request));
    let answer = exchange.await.with_context(|| format!("{action}: no answer in {CALL_LIMIT:?}"))?;
    let answer = answer.with_context(|| action.to_owned())?;
    let text = String::from_utf8_lossy(answer.body).into_owned();
    if answer.status != 200 {
        bail!("{action}: status {}: {text}", answer.status);
    }
    Ok(text)
}

/// The text of every element `name` in an answer, in order. Enough for answers whose elements have no attributes and
/// no escapes, as all are that we look at.
pub fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(open.as_str()).skip(1).filter_map(|rest| rest.split_once(close.as_str())).map(|(text, _)| text).collect()
}

#[cfg(test)]
mod tests {
    use wire::sigv4::Claim;

    use super::{Endpoint, STS, elements};

    #[test]
    fn a_request_carries_its_own_claim() {
        let (access_key, secret, region) = ("AKIDEXAMPLE".to_owned(), "s".to_owned(), "us-east-1".to_owned());
        let endpoint = Endpoint { address: "127.0.0.1:4566".parse().unwrap(), access_key, secret, token: None, region };
        let texts: Vec<String> = (0..2)
            .map(|number| {
                String::from_utf8(endpoint.request(STS, "GetCallerIdentity", &[("A", "b")], number).unwrap()).unwrap()
            })
            .collect();
        let (head, body) = texts[0].split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "Action=GetCallerIdentity&Version=2011-06-15&A=b");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        let signatures: Vec<String> = texts
            .iter()
            .map(|text| {
                let value = |name: &str| {
                    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap();
                    http::HeaderValue::from_str(line).unwrap()
                };
                let mut headers = http::HeaderMap::new();
                headers.insert("authorization", value("authorization"));
                headers.insert("x-amz-date", value("x-amz-date"));
                let claim = Claim::from_headers(&headers).unwrap();
                assert_eq!(claim.signed_headers.as_str(), "amz-sdk-invocation-id;content-type;host;x-amz-date");
                claim.signature
            })
            .collect();
        assert_ne!(signatures[0], signatures[1]);
    }

    #[test]
    fn elements_are_found_in_order() {
        assert_eq!(elements("<r><a>1</a><b><a>2</a></b></r>", "a"), ["1", "2"]);
        assert!(elements("<r/>", "a").is_empty());
    }
}
