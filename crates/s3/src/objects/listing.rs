//! What the listings of objects and of versions have in common: what they need, how long their pages are, and how keys
//! are written.

use api::s3::CommonPrefix;
use service::{Need, Scope};
use store::View;

use crate::S3Error;
use crate::access::{Grounds, given};

/// The most items of one page.
const MAX_KEYS: usize = 1000;

/// What conditions may ask about a listing.
pub(super) struct Asked<'a> {
    pub prefix: &'a Option<String>,
    pub delimiter: &'a Option<String>,
    pub max_keys: Option<i32>,
}

/// What a listing needs: `action` on the bucket.
///
/// # Errors
/// As [`Grounds::of`].
pub(super) fn need(
    action: &'static str,
    bucket: &str,
    asked: &Asked<'_>,
    view: &View,
    scope: &Scope,
) -> Result<Need, S3Error> {
    let max_keys = asked.max_keys.map(|most| most.to_string());
    let keys = [
        ("s3:prefix", asked.prefix.as_deref()),
        ("s3:delimiter", asked.delimiter.as_deref()),
        ("s3:max-keys", max_keys.as_deref()),
    ];
    Ok(given(Grounds::of(view, scope, bucket)?.bucket(action), &keys))
}

/// What was given, or nothing.
pub(super) fn text(parameter: &Option<String>) -> &str {
    parameter.as_deref().unwrap_or_default()
}

/// The size of a page. More than a thousand is asked for in vain; less than nothing is a mistake.
///
/// # Errors
/// `InvalidArgument`.
pub(super) fn max_keys(given: Option<i32>) -> Result<usize, S3Error> {
    let Some(given) = given else { return Ok(MAX_KEYS) };
    let text = "Argument maxKeys must be an integer between 0 and 2147483647";
    let limit = usize::try_from(given).map_err(|_| S3Error::argument("maxKeys", given.to_string(), text))?;
    Ok(limit.min(MAX_KEYS))
}

/// What the answer says of the size of its page: what was asked for, however much of it was in vain.
pub(super) fn shown_max_keys(given: Option<i32>) -> Option<i32> {
    given.or(i32::try_from(MAX_KEYS).ok())
}

/// Whether `x-amz-optional-object-attributes` asks for what became of restores, the one thing that it can ask for.
///
/// # Errors
/// `InvalidArgument`.
pub(super) fn shows_restores(attributes: &Option<Vec<String>>) -> Result<bool, S3Error> {
    let attributes = attributes.as_deref().unwrap_or_default();
    match attributes.iter().find(|attribute| *attribute != "RestoreStatus") {
        Some(other) => {
            let text = "Invalid attribute name specified";
            Err(S3Error::argument("x-amz-optional-object-attributes", other, text))
        }
        None => Ok(!attributes.is_empty()),
    }
}

/// The common prefixes of a page.
pub(super) fn common_prefixes(prefixes: &[String], encoding: Encoding) -> Option<Vec<CommonPrefix>> {
    let shown = |prefix: &String| CommonPrefix { prefix: Some(encoding.encode(prefix)) };
    (!prefixes.is_empty()).then(|| prefixes.iter().map(shown).collect())
}

/// How keys are written in a listing: as they are, or fit for a URL, as XML can't hold every character of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Url,
}

impl Encoding {
    /// What `encoding-type` says.
    ///
    /// # Errors
    /// `InvalidArgument`.
    pub(crate) fn read(given: Option<&str>) -> Result<Self, S3Error> {
        match given {
            None => Ok(Self::Plain),
            Some(kind) if kind.eq_ignore_ascii_case("url") => Ok(Self::Url),
            Some(other) => {
                Err(S3Error::argument("encoding-type", other, "Invalid Encoding Method specified in Request"))
            }
        }
    }

    /// Slashes stay. Clients read `%20` whether they take a `+` for a space or not.
    pub(crate) fn encode(self, text: &str) -> String {
        if self == Self::Plain {
            return text.to_owned();
        }
        let mut encoded = String::with_capacity(text.len());
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                    encoded.push(char::from(byte));
                }
                other => encoded.push_str(&format!("%{other:02X}")),
            }
        }
        encoded
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoding, max_keys};

    #[test]
    fn keys_are_encoded_for_urls() {
        let encoding = Encoding::read(Some("url")).unwrap();
        assert_eq!(encoding.encode("a/b c+(3)é~.png"), "a/b%20c%2B%283%29%C3%A9%7E.png");
        assert_eq!(Encoding::read(None).unwrap().encode("a b+"), "a b+");
        assert!(Encoding::read(Some("base64")).is_err());
    }

    #[test]
    fn page_sizes() {
        assert_eq!(max_keys(None).unwrap(), 1000);
        assert_eq!(max_keys(Some(0)).unwrap(), 0);
        assert_eq!(max_keys(Some(5000)).unwrap(), 1000);
        assert!(max_keys(Some(-1)).is_err());
    }
}
