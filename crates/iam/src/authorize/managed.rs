//! The documents of managed policies.

use std::borrow::Cow;

use jiff::Timestamp;
use store::{StoreError, View};

use crate::{PolicyRecord, PolicyVersionRecord};

/// A document; none if there is no such policy.
type Found = Result<Option<Cow<'static, str>>, StoreError>;

/// The document in force of the managed policy with this ARN, of an account or of AWS.
pub(super) fn document(view: &View, arn: &str) -> Found {
    document_of(view, arn, Timestamp::MAX)
}

/// The same, if the policy was there at a moment: one that was made anew under an old name is another.
pub(super) fn document_of(view: &View, arn: &str, at: Timestamp) -> Found {
    if crate::managed::is_aws(arn) {
        return Ok(crate::managed::find(arn).map(|policy| Cow::Borrowed(policy.document)));
    }
    let found = view.by_index::<PolicyRecord>("arn", arn.to_owned(), None, 1)?.pop();
    let Some(policy) = found.filter(|policy| policy.created <= at) else { return Ok(None) };
    let key = (policy.account, policy.name.to_ascii_lowercase(), policy.default_version);
    Ok(view.get::<PolicyVersionRecord>(&key)?.map(|version| Cow::Owned(version.document)))
}
