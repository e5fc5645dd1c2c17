//! `NextToken`: where a page ended, and of which lookup it was. It survives restarts. A token that was changed is
//! refused; one that was forged whole would only begin elsewhere within the caller's own records.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::trail::Query;

/// Longest token that is looked at: the places in the trails of as many processes as there can be have half as much.
const MAX_TOKEN: usize = 8 * 1024;

/// The token of the place `next` in the results of `query`.
pub(crate) fn seal(query: &Query, next: &str) -> String {
    let sum = fingerprint(query, next);
    URL_SAFE_NO_PAD.encode(format!("{sum:016x}{next}"))
}

/// The place in a token that was given for the same lookup.
pub(crate) fn open(query: &Query, token: &str) -> Option<String> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (sum, next) = text.split_at_checked(16)?;
    (u64::from_str_radix(sum, 16).ok()? == fingerprint(query, next)).then(|| next.to_owned())
}

/// FNV-1a over all that must not change from page to page; how many are asked for may.
fn fingerprint(query: &Query, next: &str) -> u64 {
    let attribute = query.attribute.as_ref().map(|(key, value)| format!("{key:?}={value}")).unwrap_or_default();
    let until = query.until.map(|time| time.to_string()).unwrap_or_default();
    let parts = [query.account.as_str(), &attribute, &until, next];
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
