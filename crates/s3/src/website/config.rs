//! What is stored of a website, and what it may be.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html>.

use api::s3::{
    Condition, ErrorDocument, GetBucketWebsiteOutput, IndexDocument, Redirect, RedirectAllRequestsTo, RoutingRule,
    WebsiteConfiguration,
};
use serde::{Deserialize, Serialize};

use crate::S3Error;
use crate::config::BucketConfig;

/// The most rules that a website may have.
const MAX_RULES: usize = 50;

/// A website, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Website {
    /// Everybody is sent to another host.
    Elsewhere(Elsewhere),
    /// It has pages.
    Pages(Pages),
}

impl BucketConfig for Website {
    const KIND: &'static str = "website";
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Elsewhere {
    pub(super) host: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) protocol: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pages {
    /// The end of the key of a folder's own page.
    pub(super) index: String,
    /// The key of the page for errors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) rules: Vec<Rule>,
}

/// Who is led elsewhere, and where to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rule {
    /// Only once nothing but this HTTP status was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    /// Only keys that begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) host: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) protocol: Option<String>,
    /// The HTTP status of the redirect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<u16>,
    /// What the prefix becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) replaced_prefix: Option<String>,
    /// What the whole key becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) replaced_key: Option<String>,
}

impl Website {
    /// The website that a client describes, if it may be.
    ///
    /// # Errors
    /// [`S3Error::MalformedXml`], [`S3Error::InvalidRequest`], [`S3Error::InvalidArgument`].
    pub(super) fn read(given: &WebsiteConfiguration) -> Result<Self, S3Error> {
        if let Some(all) = &given.redirect_all_requests_to {
            if given.index_document.is_some() || given.error_document.is_some() || given.routing_rules.is_some() {
                let text = "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.";
                return Err(S3Error::argument("RedirectAllRequestsTo", "not null", text));
            }
            if all.host_name.is_empty() {
                return Err(S3Error::MalformedXml);
            }
            let protocol = protocol(all.protocol.as_deref())?;
            return Ok(Self::Elsewhere(Elsewhere { host: all.host_name.clone(), protocol }));
        }
        let Some(index) = &given.index_document else {
            let text = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty";
            return Err(S3Error::argument("IndexDocument", "null", text));
        };
        if index.suffix.is_empty() || index.suffix.contains('/') {
            let text = "The IndexDocument Suffix is not well formed";
            return Err(S3Error::argument("IndexDocument", index.suffix.clone(), text));
        }
        if given.error_document.as_ref().is_some_and(|error| error.key.is_empty()) {
            return Err(S3Error::MalformedXml);
        }
        let rules = match given.routing_rules.as_deref() {
            None => Vec::new(),
            Some([]) => return Err(S3Error::MalformedXml),
            Some(rules) if rules.len() > MAX_RULES => {
                let text = format!(
                    "{} routing rules provided, the number of routing rules in a website configuration is limited to {MAX_RULES}.",
                    rules.len()
                );
                return Err(S3Error::InvalidRequest(text));
            }
            Some(rules) => rules.iter().map(Rule::read).collect::<Result<_, _>>()?,
        };
        let error = given.error_document.as_ref().map(|error| error.key.clone());
        Ok(Self::Pages(Pages { index: index.suffix.clone(), error, rules }))
    }

    /// The website as answers show it.
    pub(super) fn shown(self) -> GetBucketWebsiteOutput {
        let none = GetBucketWebsiteOutput::default();
        match self {
            Self::Elsewhere(Elsewhere { host, protocol }) => {
                let all = RedirectAllRequestsTo { host_name: host, protocol };
                GetBucketWebsiteOutput { redirect_all_requests_to: Some(all), ..none }
            }
            Self::Pages(Pages { index, error, rules }) => GetBucketWebsiteOutput {
                index_document: Some(IndexDocument { suffix: index }),
                error_document: error.map(|key| ErrorDocument { key }),
                routing_rules: (!rules.is_empty()).then(|| rules.into_iter().map(Rule::shown).collect()),
                ..none
            },
        }
    }
}

impl Rule {
    fn read(given: &RoutingRule) -> Result<Self, S3Error> {
        let refused = |text: &str| Err(S3Error::InvalidRequest(text.to_owned()));
        let redirect = &given.redirect;
        if redirect.replace_key_prefix_with.is_some() && redirect.replace_key_with.is_some() {
            return refused("You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
        }
        if *redirect == Redirect::default() {
            return Err(S3Error::MalformedXml);
        }
        let condition = given.condition.clone().unwrap_or_default();
        if given.condition.is_some() && condition == Condition::default() {
            return refused(
                "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.",
            );
        }
        let status = match condition.http_error_code_returned_equals.as_deref() {
            None => None,
            Some(text) => match text.parse() {
                Ok(status @ 400..=599) => Some(status),
                _ => {
                    return Err(S3Error::InvalidRequest(format!(
                        "The provided HTTP error code ({text}) is not valid. Valid codes are 4XX or 5XX."
                    )));
                }
            },
        };
        let code = match redirect.http_redirect_code.as_deref() {
            None => None,
            Some(text) => match text.parse() {
                Ok(code @ (301..=305 | 307 | 308)) => Some(code),
                _ => {
                    return Err(S3Error::InvalidRequest(format!(
                        "The provided HTTP redirect code ({text}) is not valid. Valid codes are 3XX except 300."
                    )));
                }
            },
        };
        Ok(Self {
            status,
            prefix: condition.key_prefix_equals,
            host: redirect.host_name.clone(),
            protocol: protocol(redirect.protocol.as_deref())?,
            code,
            replaced_prefix: redirect.replace_key_prefix_with.clone(),
            replaced_key: redirect.replace_key_with.clone(),
        })
    }

    fn shown(self) -> RoutingRule {
        let condition = Condition {
            http_error_code_returned_equals: self.status.map(|status| status.to_string()),
            key_prefix_equals: self.prefix,
        };
        RoutingRule {
            condition: (condition != Condition::default()).then_some(condition),
            redirect: Redirect {
                host_name: self.host,
                http_redirect_code: self.code.map(|code| code.to_string()),
                protocol: self.protocol,
                replace_key_prefix_with: self.replaced_prefix,
                replace_key_with: self.replaced_key,
            },
        }
    }
}

fn protocol(given: Option<&str>) -> Result<Option<String>, S3Error> {
    match given {
        None | Some("http" | "https") => Ok(given.map(ToOwned::to_owned)),
        Some(_) => {
            let text = "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.";
            Err(S3Error::InvalidRequest(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use api::s3::{
        Condition, ErrorDocument, IndexDocument, Redirect, RedirectAllRequestsTo, RoutingRule, WebsiteConfiguration,
    };

    use super::Website;
    use crate::S3Error;

    fn pages(rules: Option<Vec<RoutingRule>>) -> WebsiteConfiguration {
        WebsiteConfiguration {
            index_document: Some(IndexDocument { suffix: "index.html".into() }),
            error_document: Some(ErrorDocument { key: "error.html".into() }),
            routing_rules: rules,
            ..WebsiteConfiguration::default()
        }
    }

    fn rule(status: Option<&str>, prefix: Option<&str>, redirect: Redirect) -> RoutingRule {
        let condition = Condition {
            http_error_code_returned_equals: status.map(Into::into),
            key_prefix_equals: prefix.map(Into::into),
        };
        RoutingRule { condition: Some(condition), redirect }
    }

    fn to(host: &str) -> Redirect {
        Redirect { host_name: Some(host.into()), ..Redirect::default() }
    }

    #[test]
    fn what_is_read_is_shown() {
        let rules = vec![
            rule(Some("404"), Some("a/"), Redirect { http_redirect_code: Some("307".into()), ..to("b") }),
            RoutingRule { condition: None, redirect: to("c") },
        ];
        let given = pages(Some(rules));
        let shown = Website::read(&given).unwrap().shown();
        assert_eq!((shown.index_document, shown.error_document), (given.index_document, given.error_document));
        assert_eq!(shown.routing_rules, given.routing_rules);
    }

    #[test]
    fn what_no_website_may_be() {
        let check = |given: WebsiteConfiguration, expected: &str| {
            let error = Website::read(&given).unwrap_err();
            let text = match &error {
                S3Error::MalformedXml => "malformed",
                S3Error::InvalidRequest(text) => text,
                S3Error::InvalidArgument { message, .. } => message.as_ref(),
                _ => "",
            };
            assert!(text.contains(expected), "{expected}: {error:?}");
        };
        let none = WebsiteConfiguration::default;
        let all = RedirectAllRequestsTo { host_name: "h".into(), protocol: None };
        let elsewhere = WebsiteConfiguration { redirect_all_requests_to: Some(all.clone()), ..none() };
        check(none(), "must be provided");
        check(WebsiteConfiguration { redirect_all_requests_to: Some(all), ..pages(None) }, "in conjunction with");
        let ftp = RedirectAllRequestsTo { host_name: "h".into(), protocol: Some("ftp".into()) };
        check(WebsiteConfiguration { redirect_all_requests_to: Some(ftp), ..elsewhere }, "Invalid protocol");
        for suffix in ["", "a/b"] {
            let index_document = Some(IndexDocument { suffix: suffix.into() });
            check(WebsiteConfiguration { index_document, ..none() }, "not well formed");
        }
        let error_document = Some(ErrorDocument { key: String::new() });
        check(WebsiteConfiguration { error_document, ..pages(None) }, "malformed");
        check(pages(Some(Vec::new())), "malformed");
        check(pages(Some(vec![rule(None, Some("a"), to("b")); 51])), "limited to 50");
        check(pages(Some(vec![rule(None, None, to("b"))])), "Condition cannot be empty");
        check(pages(Some(vec![rule(Some("200"), None, to("b"))])), "error code (200)");
        check(pages(Some(vec![rule(None, Some("a"), Redirect::default())])), "malformed");
        for code in ["300", "306", "314", "200", "x"] {
            let redirect = Redirect { http_redirect_code: Some(code.into()), ..to("b") };
            check(pages(Some(vec![rule(None, Some("a"), redirect)])), &format!("redirect code ({code})"));
        }
        let both = Redirect {
            replace_key_with: Some("x".into()),
            replace_key_prefix_with: Some("y".into()),
            ..Redirect::default()
        };
        check(pages(Some(vec![rule(None, Some("a"), both)])), "but not both");
    }
}
