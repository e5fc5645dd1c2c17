//! What operations on IAM's own things need: the ARN, and what conditions ask about it.
//! Source: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>.

use api::iam::Tag;
use ids::{AccountId, Arn};
use service::{Need, Scope};

use crate::tags;

/// An action on something of the caller's account, such as `user/a/ann`.
pub(crate) fn on(action: &'static str, scope: &Scope, resource: &str) -> Need {
    Need::on(action, Arn::new("iam", "", scope.account.as_ref().map_or("", AccountId::as_str), resource))
}

/// The same on something that has these tags, which conditions know by two names.
pub(crate) fn with_tags(need: Need, list: &[(String, String)]) -> Need {
    let need = list.iter().fold(need, |need, (key, value)| need.with(format!("iam:ResourceTag/{key}"), value));
    need.tagged(tags::pairs(list))
}

/// What making something with tags needs: `create`, and where there are tags `tag`, on the same resource. Both know the
/// tags of the request.
pub(crate) fn creating(create: Need, tag: &'static str, asked: Option<&[Tag]>) -> Vec<Need> {
    let create = create.tagging(tags::asked(asked));
    if asked.unwrap_or_default().is_empty() {
        return vec![create];
    }
    let tagging = Need { action: tag.into(), ..create.clone() };
    vec![create, tagging]
}

/// What a list of a kind needs: `iam:ListUsers` on `user/division/`.
pub(crate) fn listing(action: &'static str, scope: &Scope, kind: &str, prefix: Option<&str>) -> Vec<Need> {
    vec![on(action, scope, &format!("{kind}{}", prefix.unwrap_or("/")))]
}
