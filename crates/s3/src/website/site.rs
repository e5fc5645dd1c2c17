//! Where a visitor of a website is led: by rules before anything is looked for, to a page, or by rules and the page for
//! errors once nothing was found.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/IndexDocumentSupport.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/CustomErrorDocSupport.html>.

use wire::{ServiceError, encode_path};

use super::config::{Pages, Rule, Website};
use crate::buckets::known_bucket;
use crate::config::config;
use crate::{S3, S3Error};

/// A bucket that is a website.
#[derive(Debug, Clone)]
pub struct Site {
    website: Website,
}

/// What a visitor asks for.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// `http` or `https`, as the visitor came.
    pub protocol: &'a str,
    /// The host and the port that the visitor named.
    pub host: &'a str,
    /// The key: the path, decoded, without its first slash.
    pub key: &'a str,
    /// The query as it came.
    pub query: Option<&'a str>,
}

/// Where a visitor is led.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Elsewhere.
    Move {
        /// The HTTP status.
        status: u16,
        /// Where to: `Location`.
        location: String,
    },
    /// To the object of this key: the page, or the one for errors.
    Look(String),
    /// There is nothing but the error.
    Nothing,
}

impl S3 {
    /// The website of a bucket. Nobody needs a permission to ask; pages are objects, and read as such.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchWebsiteConfiguration`, the store's.
    pub async fn site(&self, bucket: &str) -> Result<Site, ServiceError> {
        let bucket = bucket.to_owned();
        let look = move |view: &store::View| -> Result<Site, S3Error> {
            let bucket = known_bucket(view, &bucket, None)?;
            let website = config::<Website>(view, &bucket.name, "")?;
            Ok(Site { website: website.ok_or(S3Error::NoSuchWebsite(bucket.name))? })
        };
        self.runner.look(move |view| look(view).map_err(ServiceError::from)).await
    }
}

impl Site {
    /// Where a visitor goes first.
    pub fn first(&self, visit: Visit<'_>) -> Turn {
        let pages = match &self.website {
            Website::Elsewhere(elsewhere) => {
                let protocol = elsewhere.protocol.as_deref().unwrap_or(visit.protocol);
                let query =
                    visit.query.filter(|query| !query.is_empty()).map(|query| format!("?{query}")).unwrap_or_default();
                let location = format!("{protocol}://{}/{}{query}", elsewhere.host, encode_path(visit.key));
                return Turn::Move { status: 301, location };
            }
            Website::Pages(pages) => pages,
        };
        if let Some(rule) = pages.rules.iter().find(|rule| rule.status.is_none() && rule.is_for(visit.key)) {
            return rule.lead(visit);
        }
        Turn::Look(if visit.key.is_empty() || visit.key.ends_with('/') {
            format!("{}{}", visit.key, pages.index)
        } else {
            visit.key.to_owned()
        })
    }

    /// The page of a folder that a visitor may have meant: if it is there, the visitor is sent to the folder.
    pub fn folder_page(&self, key: &str) -> Option<String> {
        let Website::Pages(Pages { index, .. }) = &self.website else { return None };
        (!key.is_empty() && !key.ends_with('/')).then(|| format!("{key}/{index}"))
    }

    /// Where a visitor goes for whom nothing but this HTTP status was found.
    pub fn missing(&self, visit: Visit<'_>, status: u16) -> Turn {
        let Website::Pages(pages) = &self.website else { return Turn::Nothing };
        if let Some(rule) = pages.rules.iter().find(|rule| rule.status == Some(status) && rule.is_for(visit.key)) {
            return rule.lead(visit);
        }
        pages.error.clone().map_or(Turn::Nothing, Turn::Look)
    }
}

impl Rule {
    fn is_for(&self, key: &str) -> bool {
        self.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix.as_str()))
    }

    fn lead(&self, visit: Visit<'_>) -> Turn {
        let key = match (&self.replaced_key, &self.replaced_prefix) {
            (Some(key), _) => key.clone(),
            (None, Some(replaced)) => {
                let rest = self.prefix.as_ref().and_then(|prefix| visit.key.strip_prefix(prefix.as_str()));
                format!("{replaced}{}", rest.unwrap_or(visit.key))
            }
            (None, None) => visit.key.to_owned(),
        };
        let protocol = self.protocol.as_deref().unwrap_or(visit.protocol);
        let host = self.host.as_deref().unwrap_or(visit.host);
        Turn::Move { status: self.code.unwrap_or(301), location: format!("{protocol}://{host}/{}", encode_path(&key)) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Site, Turn, Visit};
    use crate::website::config::{Elsewhere, Pages, Rule, Website};

    fn visit(key: &str) -> Visit<'_> {
        Visit { protocol: "http", host: "site:80", key, query: Some("a=b") }
    }

    fn site(rules: Vec<Rule>) -> Site {
        let pages = Pages { index: "index.html".into(), error: Some("error.html".into()), rules };
        Site { website: Website::Pages(pages) }
    }

    fn moved(status: u16, location: &str) -> Turn {
        Turn::Move { status, location: location.to_owned() }
    }

    #[test]
    fn folders_have_pages() {
        let site = site(Vec::new());
        for (key, page) in [("", "index.html"), ("a/", "a/index.html"), ("a", "a"), ("a/b.css", "a/b.css")] {
            assert_eq!(site.first(visit(key)), Turn::Look(page.into()), "{key}");
        }
        assert_eq!(site.folder_page("a"), Some("a/index.html".into()));
        assert_eq!(site.folder_page("a/"), None);
        assert_eq!(site.folder_page(""), None);
        assert_eq!(site.missing(visit("a"), 404), Turn::Look("error.html".into()));
    }

    #[test]
    fn rules_lead_elsewhere() {
        let rules = vec![
            Rule { prefix: Some("docs/".into()), replaced_prefix: Some("documents/".into()), ..Rule::default() },
            Rule {
                prefix: Some("old".into()),
                replaced_key: Some("new page".into()),
                code: Some(307),
                ..Rule::default()
            },
            Rule {
                status: Some(404),
                prefix: Some("x/".into()),
                host: Some("other".into()),
                protocol: Some("https".into()),
                replaced_prefix: Some("r?".into()),
                ..Rule::default()
            },
            Rule { status: Some(403), host: Some("login".into()), code: Some(302), ..Rule::default() },
        ];
        let site = site(rules);
        assert_eq!(site.first(visit("docs/a b")), moved(301, "http://site:80/documents/a%20b"));
        assert_eq!(site.first(visit("older")), moved(307, "http://site:80/new%20page"));
        assert_eq!(site.first(visit("x/y")), Turn::Look("x/y".into()));
        assert_eq!(site.missing(visit("x/y"), 404), moved(301, "https://other/r%3Fy"));
        assert_eq!(site.missing(visit("z"), 404), Turn::Look("error.html".into()));
        assert_eq!(site.missing(visit("z"), 403), moved(302, "http://login/z"));
    }

    #[test]
    fn everybody_is_sent_away() {
        let elsewhere = |protocol: Option<&str>| Site {
            website: Website::Elsewhere(Elsewhere { host: "h".into(), protocol: protocol.map(Into::into) }),
        };
        assert_eq!(elsewhere(None).first(visit("k")), moved(301, "http://h/k?a=b"));
        assert_eq!(elsewhere(Some("https")).first(visit("")), moved(301, "https://h/?a=b"));
    }
}
