//! What it costs to find out whether a signature is right, beside the hash of the body alone, which nobody can do without.
//! Measured in this process, over the code that the edge runs for each request.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;
use wire::sigv4::{
    CanonicalRequest, Claim, KeyRing, PathRule, Scope, Signer, SigningKey, amz_date, sha256_hex, sign_headers, verify,
};

use crate::Setting;
use crate::table::{Aim, Row, Value};

/// The secret of AWS's documentation; it opens nothing.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const BODIES: [usize; 4] = [0, 300, 4096, 65_536];

/// A verification at every size of body.
///
/// # Errors
/// If the signature is wrong, which is a defect.
pub fn verifications(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let rounds = if setting.quick { 50 } else { 2000 };
    for size in BODIES {
        let body = vec![b'a'; size];
        let (headers, ring) = (signed(&body)?, KeyRing::default());
        check(&headers, &body, &ring)?;
        let whole = quickest(rounds, || check(&headers, &body, &ring).is_ok());
        let hash = quickest(rounds, || !sha256_hex(black_box(&body)).is_empty());
        rows.push(Row {
            figure: format!("verify a signature, {size} bytes (peer: their SHA-256)"),
            ours: Value::Time(whole),
            peer: Some(Value::Time(hash)),
            aim: Aim::None,
        });
    }
    Ok(())
}

/// The headers of a request as boto3 sends it.
fn signed(body: &[u8]) -> Result<HeaderMap> {
    let date = amz_date(Timestamp::now());
    let scope = Scope { date: date[..8].to_owned(), region: "us-east-1".to_owned(), service: "ec2".to_owned() };
    let mut headers = HeaderMap::new();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
    headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:4566"));
    headers.insert(header::CONTENT_TYPE, form);
    headers.insert("x-amz-date", HeaderValue::from_str(&date)?);
    let key = SigningKey::derive(SECRET, &scope);
    let signer = Signer { access_key: "AKIAIOSFODNN7EXAMPLE", scope: &scope, key: &key };
    let value = sign_headers(&request(&headers, &sha256_hex(body)), &signer)?;
    headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&value)?);
    headers.insert(header::USER_AGENT, HeaderValue::from_static("Boto3/1.44 md/Botocore ua/2.1 os/linux lang/python"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    Ok(headers)
}

fn request<'a>(headers: &'a HeaderMap, payload: &'a str) -> CanonicalRequest<'a> {
    CanonicalRequest { method: "POST", path: "/", query: "", headers, payload, path_rule: PathRule::Twice }
}

/// All that the edge does, from the headers to the verdict.
fn check(headers: &HeaderMap, body: &[u8], ring: &KeyRing) -> Result<()> {
    let claim = Claim::from_headers(black_box(headers))?;
    let hash = sha256_hex(black_box(body));
    let key = ring.key(SECRET, &claim.scope);
    verify(&claim, &request(headers, &hash), &key).ok().context("the signature is wrong")
}

/// The mean of the quickest of many short runs: in a longer one the machine does something else in between.
fn quickest(rounds: u32, step: impl Fn() -> bool) -> Duration {
    const STEPS: u32 = 50;
    let run = || {
        let started = Instant::now();
        for _ in 0..STEPS {
            black_box(step());
        }
        started.elapsed() / STEPS
    };
    (0..rounds).map(|_| run()).min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use wire::sigv4::KeyRing;

    use super::{check, signed};

    #[test]
    fn what_is_measured_is_a_verification() {
        let headers = signed(b"body").unwrap();
        assert!(check(&headers, b"body", &KeyRing::default()).is_ok());
        assert!(check(&headers, b"another", &KeyRing::default()).is_err());
    }
}
