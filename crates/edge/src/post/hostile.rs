//! The policy of a form, for whoever holds it to what is claimed of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::fields::Fields;
use super::policy::Policy;
use crate::hostile::NOW;

/// Whether the policy with this JSON allows a form with these fields to be sent to the bucket `bucket`: if so, within
/// which number of bytes. A form that no policy could allow, as it has a field twice, is not allowed.
pub fn form_is_allowed(json: &[u8], fields: &[(&str, &str)]) -> Option<Option<(u64, u64)>> {
    let policy = Policy::read(&STANDARD.encode(json)).ok()?;
    let mut form = Fields::new("bucket");
    for (name, value) in fields {
        form.add(name, (*value).to_owned()).ok()?;
    }
    policy.check(&form, NOW).ok().map(|()| policy.range)
}
