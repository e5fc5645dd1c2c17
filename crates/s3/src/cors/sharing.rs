//! What browsers are told: answers to their questions beforehand, and the headers of what was then asked.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html>, the Fetch standard's "CORS protocol".

use wire::ServiceError;

use super::rules::{CorsRule, CorsRules};
use crate::buckets::BucketRecord;
use crate::config::config;
use crate::{S3, S3Error};

/// Headers that tell a browser what its page may see, by name in lower case.
pub type CrossOrigin = Vec<(&'static str, String)>;

/// The answer differs by these headers of the request.
const VARY: &str = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";

/// The methods that may be asked about; rules can allow the first five.
const METHODS: [&str; 7] = ["GET", "PUT", "HEAD", "POST", "DELETE", "PATCH", "OPTIONS"];

/// A browser's question whether a page may send a request.
#[derive(Debug, Clone, Default)]
pub struct Preflight {
    /// The bucket; empty if the path names none.
    pub bucket: String,
    /// Whether the request is for an object, not for the bucket.
    pub is_object: bool,
    /// Where the page is from: `Origin`.
    pub origin: Option<String>,
    /// The method: `Access-Control-Request-Method`.
    pub method: Option<String>,
    /// The headers: `Access-Control-Request-Headers`.
    pub headers: Option<String>,
}

impl S3 {
    /// Answers a browser's question with the headers of a 200. Nobody needs a permission to ask.
    ///
    /// # Errors
    /// `BadRequest` if it asks nothing, `AccessForbidden` if the page may not, the store's.
    pub async fn preflight(&self, asked: Preflight) -> Result<CrossOrigin, ServiceError> {
        let rules = self.cors_rules(asked.bucket.clone()).await?;
        answer(&asked, rules.as_ref().map(Option::as_ref))
    }

    /// The headers that an answer of `bucket` to a page of `origin` has beside its own; none where the page may not see
    /// it.
    ///
    /// # Errors
    /// The store's.
    pub async fn cross_origin(&self, bucket: &str, origin: &str, method: &str) -> Result<CrossOrigin, ServiceError> {
        let rules = self.cors_rules(bucket.to_owned()).await?.flatten();
        Ok(rules.map_or_else(CrossOrigin::new, |rules| shared(&rules, origin, method)))
    }

    /// The rules of a bucket, if it has any; none at all if there is no bucket.
    async fn cors_rules(&self, bucket: String) -> Result<Option<Option<CorsRules>>, ServiceError> {
        let look = move |view: &store::View| -> Result<_, S3Error> {
            if !view.contains::<BucketRecord>(&bucket)? {
                return Ok(None);
            }
            Ok(Some(config::<CorsRules>(view, &bucket, "")?))
        };
        self.runner.look(move |view| look(view).map_err(ServiceError::from)).await
    }
}

/// The answer to a question, by the bucket's rules.
fn answer(asked: &Preflight, rules: Option<Option<&CorsRules>>) -> Result<CrossOrigin, ServiceError> {
    let bad = |text: String| Err(ServiceError::bad_request("BadRequest", text));
    let Some(origin) = &asked.origin else {
        return bad("Insufficient information. Origin request header needed.".to_owned());
    };
    let invalid = |method: &str| bad(format!("Invalid Access-Control-Request-Method: {method}"));
    let asked_method = asked.method.as_deref().filter(|method| !method.is_empty());
    let is_method = |method: &str| METHODS.contains(&method);
    if let Some(other) = asked_method.filter(|method| !is_method(method)) {
        return invalid(other);
    }
    // Where there are no rules, it does not matter that no method is asked about.
    let method = asked_method.unwrap_or("OPTIONS");
    let forbidden = |text: &str, resource_type: &str| {
        ServiceError::sender("AccessForbidden", 403, format!("CORSResponse: {text}"))
            .with_field("Method", method)
            .with_field("ResourceType", resource_type)
    };
    let rules = rules.ok_or_else(|| forbidden("Bucket not found", "BUCKET"))?;
    let rules = rules.ok_or_else(|| forbidden("CORS is not enabled for this bucket.", "BUCKET"))?;
    if asked_method.is_none() {
        return invalid("null");
    }
    let names = asked.headers.as_deref().unwrap_or_default().split(',');
    let names: Vec<String> =
        names.map(|name| name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty()).collect();
    let Some((rule, pattern)) = rules.with_headers(origin, method, &names) else {
        let text = "This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";
        return Err(forbidden(text, if asked.is_object { "OBJECT" } else { "BUCKET" }));
    };
    let mut headers = permission(rule, pattern, origin);
    if !names.is_empty() {
        headers.push(("access-control-allow-headers", names.join(", ")));
    }
    Ok(headers)
}

/// What an answer has beside its own headers.
fn shared(rules: &CorsRules, origin: &str, method: &str) -> CrossOrigin {
    match rules.of(origin, method) {
        Some((rule, pattern)) => permission(rule, pattern, origin),
        // A cache must not give it to pages of an origin that may have it.
        None => vec![("vary", VARY.to_owned())],
    }
}

fn permission(rule: &CorsRule, pattern: &str, origin: &str) -> CrossOrigin {
    let is_anybody = pattern == "*";
    let mut headers = vec![
        ("access-control-allow-origin", if is_anybody { "*" } else { origin }.to_owned()),
        ("access-control-allow-methods", rule.allowed_methods.join(", ")),
    ];
    if !is_anybody {
        headers.push(("access-control-allow-credentials", "true".to_owned()));
    }
    if !rule.expose_headers.is_empty() {
        headers.push(("access-control-expose-headers", rule.expose_headers.join(", ")));
    }
    if let Some(seconds) = rule.max_age_seconds {
        headers.push(("access-control-max-age", seconds.to_string()));
    }
    headers.push(("vary", VARY.to_owned()));
    headers
}

#[cfg(test)]
mod tests {
    use super::{Preflight, answer, shared};
    use crate::cors::rules::{CorsRule, CorsRules};

    fn rules() -> CorsRules {
        let rule = CorsRule {
            allowed_origins: vec!["https://*.example".into()],
            allowed_methods: vec!["GET".into(), "PUT".into()],
            allowed_headers: vec!["X-*".into()],
            expose_headers: vec!["ETag".into()],
            max_age_seconds: Some(60),
            ..CorsRule::default()
        };
        let open =
            CorsRule { allowed_origins: vec!["*".into()], allowed_methods: vec!["GET".into()], ..CorsRule::default() };
        CorsRules { rules: vec![rule, open] }
    }

    fn asked(origin: &str, method: &str, headers: Option<&str>) -> Preflight {
        Preflight {
            bucket: "b".into(),
            is_object: true,
            origin: Some(origin.into()),
            method: Some(method.into()),
            headers: headers.map(Into::into),
        }
    }

    fn value<'a>(headers: &'a [(&str, String)], name: &str) -> &'a str {
        headers.iter().find(|(given, _)| *given == name).map_or("", |(_, value)| value)
    }

    #[test]
    fn a_page_is_told_what_it_may() {
        let rules = rules();
        let told = answer(&asked("https://a.example", "PUT", Some("X-One, x-two")), Some(Some(&rules))).unwrap();
        assert_eq!(value(&told, "access-control-allow-origin"), "https://a.example");
        assert_eq!(value(&told, "access-control-allow-methods"), "GET, PUT");
        assert_eq!(value(&told, "access-control-allow-headers"), "x-one, x-two");
        assert_eq!(value(&told, "access-control-allow-credentials"), "true");
        assert_eq!(value(&told, "access-control-expose-headers"), "ETag");
        assert_eq!(value(&told, "access-control-max-age"), "60");
        assert!(value(&told, "vary").starts_with("Origin, "));
        let told = answer(&asked("null", "GET", None), Some(Some(&rules))).unwrap();
        assert_eq!(value(&told, "access-control-allow-origin"), "*");
        assert_eq!(value(&told, "access-control-allow-credentials"), "");
        assert_eq!(value(&shared(&rules, "null", "GET"), "access-control-allow-origin"), "*");
        let closed = shared(&rules, "null", "PUT");
        assert_eq!(closed.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["vary"]);
    }

    #[test]
    fn a_page_that_may_not_is_told_why() {
        let rules = rules();
        let check = |asked: Preflight, rules, code: &str, text: &str| {
            let error = answer(&asked, rules).unwrap_err();
            assert_eq!(error.code, code, "{asked:?}");
            assert!(error.message.contains(text), "{}", error.message);
        };
        let all = Some(Some(&rules));
        check(Preflight::default(), all, "BadRequest", "Origin request header needed");
        check(asked("x", "put", None), all, "BadRequest", "Invalid Access-Control-Request-Method: put");
        check(asked("x", "put", None), Some(None), "BadRequest", "Invalid Access-Control-Request-Method: put");
        check(asked("x", "PATCH", None), all, "AccessForbidden", "This CORS request is not allowed.");
        let nothing = || Preflight { method: None, ..asked("x", "", None) };
        check(nothing(), all, "BadRequest", "Method: null");
        check(asked("x", "", None), all, "BadRequest", "Method: null");
        check(nothing(), Some(None), "AccessForbidden", "CORS is not enabled for this bucket.");
        check(asked("x", "GET", None), None, "AccessForbidden", "Bucket not found");
        check(asked("x", "GET", None), Some(None), "AccessForbidden", "CORS is not enabled for this bucket.");
        check(asked("x", "PUT", None), all, "AccessForbidden", "This CORS request is not allowed.");
        check(asked("https://a.example", "PUT", Some("y")), all, "AccessForbidden", "is not allowed");
    }
}
