//! The rules of a bucket, what they may be, and which of them lets a request through.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CORSRule.html>.

use api::s3::CORSRule;
use serde::{Deserialize, Serialize};

use crate::S3Error;
use crate::config::BucketConfig;

/// The most rules that a bucket may have.
const MAX_RULES: usize = 100;
/// The most characters that the id of a rule may have.
const MAX_ID: usize = 255;
const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

/// The rules of a bucket, as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CorsRules {
    pub(super) rules: Vec<CorsRule>,
}

impl BucketConfig for CorsRules {
    const KIND: &'static str = "cors";
}

/// One rule. Empty lists are not stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CorsRule {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) allowed_headers: Vec<String>,
    pub(super) allowed_methods: Vec<String>,
    pub(super) allowed_origins: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) expose_headers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max_age_seconds: Option<i32>,
}

impl CorsRules {
    /// The rules that a client gives, if they may be.
    ///
    /// # Errors
    /// [`S3Error::MalformedXml`], [`S3Error::InvalidRequest`].
    pub(super) fn read(given: &[CORSRule]) -> Result<Self, S3Error> {
        if given.is_empty() {
            return Err(S3Error::MalformedXml);
        }
        if given.len() > MAX_RULES {
            return Err(invalid("The number of CORS rules should not exceed allowed limit of 100 rules.".to_owned()));
        }
        let rules = given.iter().map(CorsRule::read).collect::<Result<_, _>>()?;
        Ok(Self { rules })
    }

    /// The first rule that lets requests of this origin and method through, and the pattern that its origin fits.
    pub(super) fn of(&self, origin: &str, method: &str) -> Option<(&CorsRule, &str)> {
        self.rules.iter().find_map(|rule| rule.fits(origin, method).map(|pattern| (rule, pattern)))
    }

    /// As [`CorsRules::of`], for requests that have these headers too.
    pub(super) fn with_headers(&self, origin: &str, method: &str, headers: &[String]) -> Option<(&CorsRule, &str)> {
        let lets_through =
            |rule: &&CorsRule| headers.iter().all(|name| rule.allowed_headers.iter().any(|it| is_like(it, name, true)));
        let mut rules = self.rules.iter().filter(lets_through);
        rules.find_map(|rule| rule.fits(origin, method).map(|pattern| (rule, pattern)))
    }
}

impl CorsRule {
    fn read(given: &CORSRule) -> Result<Self, S3Error> {
        if given.allowed_methods.is_empty() || given.allowed_origins.is_empty() {
            return Err(S3Error::MalformedXml);
        }
        if let Some(method) = given.allowed_methods.iter().find(|method| !METHODS.contains(&method.as_str())) {
            return Err(invalid(format!(
                "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            )));
        }
        if given.id.as_ref().is_some_and(|id| id.chars().count() > MAX_ID) {
            return Err(invalid("The ID of a CORS rule should not exceed allowed limit of 255 characters.".to_owned()));
        }
        let headers = given.allowed_headers.as_deref().unwrap_or_default();
        for (what, patterns) in [("AllowedOrigin", given.allowed_origins.as_slice()), ("AllowedHeader", headers)] {
            if let Some(pattern) = patterns.iter().find(|pattern| pattern.matches('*').count() > 1) {
                return Err(invalid(format!("{what} \"{pattern}\" can not have more than one wildcard.")));
            }
        }
        let expose_headers = given.expose_headers.clone().unwrap_or_default();
        if let Some(name) = expose_headers.iter().find(|name| name.contains('*')) {
            return Err(invalid(format!(
                "ExposeHeader \"{name}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
            )));
        }
        Ok(Self {
            id: given.id.clone(),
            allowed_headers: headers.to_vec(),
            allowed_methods: given.allowed_methods.clone(),
            allowed_origins: given.allowed_origins.clone(),
            expose_headers,
            max_age_seconds: given.max_age_seconds,
        })
    }

    /// The rule as answers show it.
    pub(super) fn shown(self) -> CORSRule {
        let given = |list: Vec<String>| (!list.is_empty()).then_some(list);
        CORSRule {
            id: self.id,
            allowed_headers: given(self.allowed_headers),
            allowed_methods: self.allowed_methods,
            allowed_origins: self.allowed_origins,
            expose_headers: given(self.expose_headers),
            max_age_seconds: self.max_age_seconds,
        }
    }

    fn fits(&self, origin: &str, method: &str) -> Option<&str> {
        self.allowed_methods.iter().any(|allowed| allowed == method).then_some(())?;
        self.allowed_origins.iter().map(String::as_str).find(|pattern| is_like(pattern, origin, false))
    }
}

/// Whether a text fits a pattern with at most one `*`.
fn is_like(pattern: &str, text: &str, ignores_case: bool) -> bool {
    if ignores_case {
        return is_like(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase(), false);
    }
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.len() >= head.len() + tail.len() && text.starts_with(head) && text.ends_with(tail),
    }
}

fn invalid(text: String) -> S3Error {
    S3Error::InvalidRequest(text)
}

#[cfg(test)]
mod tests {
    use api::s3::CORSRule;

    use super::{CorsRules, is_like};
    use crate::S3Error;

    fn rule(origins: &[&str], methods: &[&str], headers: &[&str]) -> CORSRule {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        CORSRule {
            allowed_origins: owned(origins),
            allowed_methods: owned(methods),
            allowed_headers: Some(owned(headers)),
            ..CORSRule::default()
        }
    }

    #[test]
    fn patterns() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("*", "https://a.example", true),
            ("https://a.example", "https://a.example", true),
            ("https://a.example", "http://a.example", false),
            ("https://*.example", "https://a.b.example", true),
            ("https://*.example", "https://example", false),
            ("start*end", "startend", true),
            ("startend*end", "startend", false),
            ("*suffix", "foo.suffix", true),
            ("prefix*", "prefix", true),
            ("X-*", "x-amz-date", false),
        ] {
            assert_eq!(is_like(pattern, text, false), fits, "{pattern} {text}");
        }
        assert!(is_like("X-*", "x-amz-date", true));
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rules = CorsRules::read(&[
            rule(&["https://a.example"], &["PUT"], &["x-one"]),
            rule(&["https://*.example"], &["PUT", "GET"], &["*"]),
        ])
        .unwrap();
        let pattern = |method| rules.of("https://a.example", method).map(|(_, pattern)| pattern);
        assert_eq!(pattern("PUT"), Some("https://a.example"));
        assert_eq!(pattern("GET"), Some("https://*.example"));
        assert_eq!(pattern("DELETE"), None);
        let asked = |headers: &[&str]| {
            let headers: Vec<String> = headers.iter().map(|name| (*name).to_owned()).collect();
            rules.with_headers("https://a.example", "PUT", &headers).map(|(_, pattern)| pattern)
        };
        assert_eq!(asked(&["x-one"]), Some("https://a.example"));
        assert_eq!(asked(&["x-one", "x-two"]), Some("https://*.example"));
    }

    #[test]
    fn what_no_rule_may_be() {
        let refused = |rules: &[CORSRule]| match CorsRules::read(rules) {
            Err(S3Error::InvalidRequest(text)) => text,
            Err(S3Error::MalformedXml) => "malformed".to_owned(),
            _ => String::new(),
        };
        let good = rule(&["*"], &["GET"], &[]);
        assert_eq!(refused(&[]), "malformed");
        assert_eq!(refused(&[rule(&[], &["GET"], &[])]), "malformed");
        assert_eq!(refused(&vec![good.clone(); 100]), "");
        assert!(refused(&vec![good.clone(); 101]).contains("limit of 100 rules"));
        assert!(refused(&[rule(&["*"], &["OPTIONS"], &[])]).ends_with("Unsupported method is OPTIONS"));
        assert!(refused(&[rule(&["*.*"], &["GET"], &[])]).starts_with("AllowedOrigin \"*.*\" can not"));
        assert!(refused(&[rule(&["*"], &["GET"], &["a*b*"])]).starts_with("AllowedHeader \"a*b*\" can not"));
        let exposing = CORSRule { expose_headers: Some(vec!["x-*".to_owned()]), ..good };
        assert!(refused(&[exposing]).starts_with("ExposeHeader \"x-*\" contains wildcard."));
    }
}
