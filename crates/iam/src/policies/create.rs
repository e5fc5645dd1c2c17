//! `iam:CreatePolicy`: makes a managed policy with its first version.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html>.

use api::iam::{CreatePolicy, CreatePolicyRequest, CreatePolicyResponse};
use ids::Arn;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::managed::{Managed, shown};
use super::quotas;
use crate::counts::{self, Counted};
use crate::names::{arn, folded, unique_id};
use crate::needs::creating;
use crate::tags::{self, TagCase};
use crate::{Iam, IamError, PolicyRecord, PolicyVersionRecord};

impl Operation<Iam> for CreatePolicy {
    type Error = IamError;

    fn needs(input: &CreatePolicyRequest, _view: &View, scope: &Scope) -> Result<Vec<Need>, IamError> {
        let path = input.path.as_deref().unwrap_or("/");
        let resource = scope.account.as_ref().map(|account| arn(account, "policy", path, &input.policy_name));
        let resource = resource.and_then(|arn| arn.parse::<Arn>().ok());
        let create = resource.map_or_else(|| Need::any("iam:CreatePolicy"), |arn| Need::on("iam:CreatePolicy", arn));
        Ok(creating(create, "iam:TagPolicy", input.tags.as_deref()))
    }

    fn apply(input: &CreatePolicyRequest, view: &View, cx: &Cx) -> Result<Applied<CreatePolicyResponse>, IamError> {
        let tags = tags::new(input.tags.as_deref(), TagCase::Matters)?;
        quotas::read_managed(&input.policy_document)?;
        let name = &input.policy_name;
        if view.contains::<PolicyRecord>(&(cx.account.clone(), folded(name)))? {
            let text = format!("A policy called {name} already exists. Duplicate names are not allowed.");
            return Err(IamError::EntityAlreadyExists(text));
        }
        let mut changes = Changes::new();
        counts::one_more(view, &mut changes, &cx.account, Counted::Policies)?;
        let policy = PolicyRecord {
            account: cx.account.clone(),
            name: name.clone(),
            path: input.path.clone().unwrap_or_else(|| "/".to_owned()),
            id: unique_id("ANPA", cx.random()),
            description: input.description.clone().filter(|text| !text.is_empty()),
            created: cx.now,
            updated: cx.now,
            default_version: 1,
            last_version: 1,
            tags,
        };
        let version = PolicyVersionRecord {
            account: cx.account.clone(),
            policy: folded(name),
            version: 1,
            document: input.policy_document.clone(),
            created: cx.now,
        };
        changes.put(&policy)?;
        changes.put(&version)?;
        let policy = shown(&Managed::Own(policy), view, &cx.account)?;
        let policy = Some(api::iam::Policy { description: None, ..policy });
        Ok(Applied::with(CreatePolicyResponse { policy }, changes))
    }
}
