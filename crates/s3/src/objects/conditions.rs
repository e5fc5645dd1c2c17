//! Preconditions of reads and writes.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-reads.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>, RFC 9110, section 13.2.2.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use super::error::ObjectError;
use super::record::ObjectRecord;
use crate::S3Error;
use crate::error::Unmodified;

/// The preconditions of a read.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct ReadConditions<'a> {
    pub if_match: Option<&'a str>,
    pub if_none_match: Option<&'a str>,
    pub if_modified_since: Option<Timestamp>,
    pub if_unmodified_since: Option<Timestamp>,
}

impl ReadConditions<'_> {
    /// Whether `object` may be given. A tag decides alone where both a tag and a date are given, and nothing was modified
    /// since a time that is yet to come: such a date says nothing.
    ///
    /// # Errors
    /// [`S3Error::PreconditionFailed`] or [`S3Error::NotModified`].
    pub(super) fn check(&self, object: &ObjectRecord, now: Timestamp) -> Result<(), S3Error> {
        match (self.if_match, self.if_unmodified_since) {
            (Some(tags), _) if !has_tag(tags, &object.etag) => return Err(S3Error::PreconditionFailed("If-Match")),
            (None, Some(date)) if is_later(object, date) => {
                return Err(S3Error::PreconditionFailed("If-Unmodified-Since"));
            }
            _ => {}
        }
        match (self.if_none_match, self.if_modified_since) {
            (Some(tags), _) if has_tag(tags, &object.etag) => Err(not_modified(object)),
            (None, Some(date)) if date <= now && !is_later(object, date) => Err(not_modified(object)),
            _ => Ok(()),
        }
    }
}

fn not_modified(object: &ObjectRecord) -> S3Error {
    let last_modified = DateTimePrinter::new().timestamp_to_rfc9110_string(&object.last_modified).unwrap_or_default();
    S3Error::NotModified(Box::new(Unmodified {
        etag: object.quoted_etag(),
        last_modified,
        cache_control: object.traits.headers.cache_control.clone(),
        expires: object.traits.headers.expires.clone(),
    }))
}

/// Whether `object` was modified after `date`, by whole seconds.
fn is_later(object: &ObjectRecord, date: Timestamp) -> bool {
    object.last_modified.as_second() > date.as_second()
}

/// Whether a list of entity tags, quoted or not, weak or not, names this one. `*` names every one.
pub(super) fn has_tag(tags: &str, etag: &str) -> bool {
    tags.split(',').map(str::trim).any(|tag| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || tag.trim_matches('"') == etag
    })
}

/// Whether a write may replace `old`.
///
/// # Errors
/// [`S3Error::PreconditionFailed`]; [`S3Error::NoSuchKey`] for a tag of an object that isn't there; `NotImplemented` for
/// `If-None-Match` with anything but `*`, for `If-Match` with just that, and for both.
pub(crate) fn check_write(
    if_match: Option<&str>,
    if_none_match: Option<&str>,
    key: &str,
    old: Option<&ObjectRecord>,
) -> Result<(), S3Error> {
    let refused = |header, message: String| Err(ObjectError::ConditionNotImplemented { header, message }.into());
    let unfit = |header| refused(header, format!("We don't accept the provided value of {header} header for this API"));
    match (if_match, if_none_match) {
        (Some(_), Some(_)) => {
            let text = "Multiple conditional request headers present in the request";
            return refused("If-Match,If-None-Match", text.to_owned());
        }
        (Some("*"), None) => return unfit("If-Match"),
        (None, Some(tag)) if tag != "*" => return unfit("If-None-Match"),
        (None, Some(_)) if old.is_some() => return Err(S3Error::PreconditionFailed("If-None-Match")),
        _ => {}
    }
    match (if_match, old) {
        (Some(_), None) => Err(S3Error::NoSuchKey(key.to_owned())),
        (Some(tags), Some(old)) if !has_tag(tags, &old.etag) => Err(S3Error::PreconditionFailed("If-Match")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{ReadConditions, check_write, has_tag};
    use crate::S3Error;
    use crate::objects::ObjectRecord;

    fn object() -> ObjectRecord {
        let last_modified = Timestamp::from_second(1000).unwrap();
        ObjectRecord { etag: "abc".into(), last_modified, ..crate::tests::object("bucket", "key") }
    }

    #[test]
    fn reads_follow_the_precedence_of_s3() {
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        let none = ReadConditions::default();
        for (conditions, expected) in [
            (none, 200),
            (ReadConditions { if_match: Some("\"abc\""), ..none }, 200),
            (ReadConditions { if_match: Some("*"), ..none }, 200),
            (ReadConditions { if_match: Some("\"x\", abc"), ..none }, 200),
            (ReadConditions { if_match: Some("\"x\""), ..none }, 412),
            (ReadConditions { if_unmodified_since: at(999), ..none }, 412),
            (ReadConditions { if_unmodified_since: at(1000), ..none }, 200),
            (ReadConditions { if_match: Some("abc"), if_unmodified_since: at(999), ..none }, 200),
            (ReadConditions { if_none_match: Some("\"abc\""), ..none }, 304),
            (ReadConditions { if_none_match: Some("W/\"abc\""), ..none }, 304),
            (ReadConditions { if_none_match: Some("\"x\""), ..none }, 200),
            (ReadConditions { if_modified_since: at(1000), ..none }, 304),
            (ReadConditions { if_modified_since: at(999), ..none }, 200),
            (ReadConditions { if_modified_since: at(2000), ..none }, 304),
            (ReadConditions { if_modified_since: at(2001), ..none }, 200),
            (ReadConditions { if_none_match: Some("abc"), if_modified_since: at(999), ..none }, 304),
            (ReadConditions { if_none_match: Some("x"), if_modified_since: at(1000), ..none }, 200),
        ] {
            let status = match conditions.check(&object(), Timestamp::from_second(2000).unwrap()) {
                Ok(()) => 200,
                Err(S3Error::PreconditionFailed(_)) => 412,
                Err(S3Error::NotModified(_)) => 304,
                Err(_) => 0,
            };
            assert_eq!(status, expected, "{conditions:?}");
        }
    }

    #[test]
    fn writes() {
        let old = object();
        assert!(check_write(None, None, "key", Some(&old)).is_ok());
        assert!(check_write(None, Some("*"), "key", None).is_ok());
        assert!(matches!(check_write(None, Some("*"), "key", Some(&old)), Err(S3Error::PreconditionFailed(_))));
        assert!(matches!(check_write(None, Some("abc"), "key", None), Err(S3Error::Object(_))));
        assert!(matches!(check_write(Some("*"), None, "key", Some(&old)), Err(S3Error::Object(_))));
        assert!(matches!(check_write(Some("abc"), Some("*"), "key", Some(&old)), Err(S3Error::Object(_))));
        assert!(check_write(Some("\"abc\""), None, "key", Some(&old)).is_ok());
        assert!(matches!(check_write(Some("\"x\""), None, "key", Some(&old)), Err(S3Error::PreconditionFailed(_))));
        assert!(matches!(check_write(Some("\"abc\""), None, "key", None), Err(S3Error::NoSuchKey(_))));
        assert!(!has_tag("", "abc"));
    }
}
