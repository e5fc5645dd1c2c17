//! What the operations need. Source:
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html>.

use api::organizations::Tag;
use ids::Arn;
use service::{Need, Scope};
use store::View;

use super::record::{HandshakeRecord, ScpRecord};
use super::{shown, tags, tree};
use crate::IamError;

/// An action on things of the caller's organization, by their ids. What is not there has no ARN to ask for: such an
/// action is one on everything.
pub(super) fn on(action: &'static str, ids: &[&str], view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
    let Some(account) = &scope.account else { return Ok(vec![Need::any(action)]) };
    let Ok((organization, _)) = tree::of(view, account) else { return Ok(vec![Need::any(action)]) };
    let mut needs = Vec::with_capacity(ids.len());
    for id in ids {
        let arn = if id.starts_with("p-") {
            let is_ours = view.contains::<ScpRecord>(&(organization.id.clone(), (*id).to_owned()))?;
            if is_ours { shown::policy_arn(&organization, id) } else { shown::aws_policy_arn(id) }
        } else if id.starts_with("h-") {
            let found = view.get::<HandshakeRecord>(&(*id).to_owned())?;
            found.map_or_else(
                || shown::arn(&organization, "handshake", id),
                |it| shown::handshake_arn(&organization, &it),
            )
        } else {
            shown::target_arn(&organization, id)
        };
        let Ok(arn) = arn.parse::<Arn>() else { continue };
        let own = tags::read(view, &organization, id).unwrap_or_default();
        let need = Need::on(action, arn).under(organization.master.clone(), None);
        needs.push(need.tagged(own.iter().map(|(key, value)| (key.as_str(), value.as_str()))));
    }
    if needs.is_empty() {
        needs.push(Need::any(action));
    }
    Ok(needs)
}

/// The same, in a request with tags; with any, it takes `organizations:TagResource` as well.
pub(super) fn tagging(mut needs: Vec<Need>, tags: Option<&Vec<Tag>>) -> Vec<Need> {
    let given: Vec<(&str, &str)> =
        tags.into_iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
    needs = needs.into_iter().map(|need| need.tagging(given.iter().copied())).collect();
    if !given.is_empty() {
        needs.push(Need::any("organizations:TagResource").tagging(given));
    }
    needs
}
