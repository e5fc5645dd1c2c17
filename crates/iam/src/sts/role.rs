//! The role that somebody asks to assume.

use std::borrow::Cow;
use std::sync::Arc;

use api::{Caller, Principal};
use ids::{AccountId, Arn};
use policy::Kind;
use service::{Need, ResourcePolicy};
use store::View;

use crate::keys::is_in_use;
use crate::names::folded;
use crate::{IamError, RoleRecord};

/// The trust policy of roles that are not there: it lets nobody in whom there is.
const NOBODY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"nobody.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// A role's ARN taken apart: its account and its name.
fn parts(arn: &Arn) -> Option<(AccountId, &str)> {
    let path = arn.resource().strip_prefix("role/").filter(|_| arn.service() == "iam")?;
    Some((arn.account().parse().ok()?, path.rsplit('/').next()?))
}

/// The ARN of a role, if the text is one.
pub(super) fn parse(text: &str) -> Result<Arn, IamError> {
    let arn: Option<Arn> = text.parse().ok();
    arn.filter(|arn| parts(arn).is_some()).ok_or_else(|| IamError::Validation(format!("{text} is invalid")))
}

/// The role with exactly this ARN, in an account that is not closed.
pub(super) fn find(view: &View, arn: &Arn) -> Result<Option<RoleRecord>, IamError> {
    let Some((account, name)) = parts(arn) else { return Ok(None) };
    if !is_in_use(view, &account)? {
        return Ok(None);
    }
    let found = view.get::<RoleRecord>(&(account, folded(name)))?;
    Ok(found.filter(|role| role.arn() == arn.as_str()))
}

/// What an action on a role needs: that its trust policy allows it. A role that is not there trusts nobody.
pub(super) fn need(action: &'static str, text: &str, view: &View) -> Result<Need, IamError> {
    let Ok(arn) = parse(text) else { return Ok(Need::any(action)) };
    let Some((owner, _)) = parts(&arn) else { return Ok(Need::any(action)) };
    let found = find(view, &arn)?;
    let mut need = Need::on(action, arn);
    if let Some(role) = &found {
        need = need.tagged(role.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        for (key, value) in &role.tags {
            need.context.set(format!("iam:ResourceTag/{key}"), value.as_str());
        }
    }
    let document = match &found {
        Some(role) => Cow::Owned(crate::roles::in_force(view, role)?),
        None => Cow::Borrowed(NOBODY),
    };
    let policy =
        ResourcePolicy { document: document.into_owned(), kind: Kind::Trust, must_allow: true, principals: Vec::new() };
    Ok(need.under(owner, Some(Arc::new(policy))))
}

/// The refusal in STS's words.
pub(super) fn refused(caller: &Caller, need: &Need) -> String {
    let who = caller.arn().unwrap_or_else(|| "anonymous".to_owned());
    format!("User: {who} is not authorized to perform: {} on resource: {}", need.action, need.resource_text())
}

/// Whether the session of a role that the caller asks for is one more link of a chain.
pub(super) fn is_chained(caller: &Caller) -> bool {
    matches!(caller.principal, Principal::Role { .. })
}

/// How long a session of a role lasts, in seconds.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use.html#id_roles_use_view-role-max-session>.
pub(super) fn lifetime(asked: Option<i32>, role: &RoleRecord, is_chained: bool) -> Result<u32, IamError> {
    const DEFAULT: u32 = 3600;
    let asked = asked.and_then(|asked| u32::try_from(asked).ok());
    let refused = |text: &str| Err(IamError::Validation(text.to_owned()));
    match asked {
        None => Ok(DEFAULT.min(role.max_session)),
        Some(asked) if is_chained && asked > 3600 => refused(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ),
        Some(asked) if asked > role.max_session => {
            refused("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
        }
        Some(asked) => Ok(asked),
    }
}

#[cfg(test)]
mod tests {
    use policy::{Kind, Policy};

    use super::{NOBODY, parse, parts};

    #[test]
    fn a_role_that_is_not_there_has_a_policy_that_reads() {
        Policy::parse(NOBODY, Kind::Trust).unwrap();
    }

    #[test]
    fn only_arns_of_roles_are_taken() {
        let arn = parse("arn:aws:iam::123456789012:role/a/b/Ci").unwrap();
        let (account, name) = parts(&arn).unwrap();
        assert_eq!((account.as_str(), name), ("123456789012", "Ci"));
        for bad in ["", "Ci", "arn:aws:iam::123456789012:user/Ci", "arn:aws:iam::1:role/Ci", "arn:aws:s3:::role/Ci"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
