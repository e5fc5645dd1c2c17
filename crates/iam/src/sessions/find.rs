//! What a session's credentials prove.

use std::sync::Arc;

use api::{Caller, Principal, Session, SessionPolicy};
use store::{StoreError, View};

use super::{SessionHolder, SessionPolicyText, SessionRecord};
use crate::credential::Credential;
use crate::keys::{is_in_use, user_principal};
use crate::roles::RoleRecord;

/// The credential of a session whose account may be used and whose user or role is still there. That it has not ended is
/// for whoever compares the token.
pub(crate) fn find(view: &View, access_key: &str) -> Result<Option<Credential>, StoreError> {
    let Some(record) = view.get::<SessionRecord>(&access_key.to_owned())? else { return Ok(None) };
    if !is_in_use(view, &record.account)? {
        return Ok(None);
    }
    let principal = match &record.holder {
        SessionHolder::Root => Some(Principal::Root),
        SessionHolder::User { id } => user_principal(view, id)?,
        SessionHolder::Role { id, session } => {
            let role = view.by_index::<RoleRecord>("id", id.clone(), None, 1)?.pop();
            role.map(|RoleRecord { name, path, id, .. }| Principal::Role { name, path, id, session: session.clone() })
        }
        SessionHolder::Federated { name, user: None } => {
            Some(Principal::FederatedUser { name: name.clone(), user: None })
        }
        SessionHolder::Federated { name, user: Some(id) } => user_principal(view, id)?.and_then(|user| match user {
            Principal::User { name: user, .. } => {
                Some(Principal::FederatedUser { name: name.clone(), user: Some(user) })
            }
            _ => None,
        }),
    };
    let Some(principal) = principal else { return Ok(None) };
    let policies = record.policies.map(|policies| {
        let policies = policies.into_iter().map(|policy| match policy {
            SessionPolicyText::Managed(arn) => SessionPolicy { arn: Some(arn), document: None },
            SessionPolicyText::Inline(document) => SessionPolicy { arn: None, document: Some(document) },
        });
        policies.collect()
    });
    let session = Session {
        issued: record.issued,
        expires: record.expires,
        mfa: record.mfa,
        policies,
        tags: record.tags,
        transitive_tags: record.transitive_tags,
        source_identity: record.source_identity,
        provider: record.provider,
        context: record.context,
        instance: record.instance,
    };
    let (expires, session) = (session.expires, Some(Arc::new(session)));
    let caller = Caller { account: Some(record.account), principal, access_key: Some(record.id), session };
    Ok(Some(Credential::temporary(record.secret, caller, record.token, expires)))
}
