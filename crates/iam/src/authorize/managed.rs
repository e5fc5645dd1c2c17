//! The documents of managed policies.

use std::borrow::Cow;

use store::{StoreError, View};

use crate::{PolicyRecord, PolicyVersionRecord};

/// The document in force of the managed policy with this ARN, of an account or of AWS; none if there is no such policy.
pub(super) fn document(view: &View, arn: &str) -> Result<Option<Cow<'static, str>>, StoreError> {
    if crate::managed::is_aws(arn) {
        return Ok(crate::managed::find(arn).map(|policy| Cow::Borrowed(policy.document)));
    }
    let Some(policy) = view.by_index::<PolicyRecord>("arn", arn.to_owned(), None, 1)?.pop() else { return Ok(None) };
    let key = (policy.account, policy.name.to_ascii_lowercase(), policy.default_version);
    Ok(view.get::<PolicyVersionRecord>(&key)?.map(|version| Cow::Owned(version.document)))
}
