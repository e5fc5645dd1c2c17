//! `iam:GenerateServiceLastAccessedDetails`: asks for a report on which services a user, a group, a role or a policy may use
//! and which of them were. It is made when it is read, so it is ready at once.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateServiceLastAccessedDetails.html>.

use api::iam::{
    GenerateServiceLastAccessedDetails, GenerateServiceLastAccessedDetailsRequest,
    GenerateServiceLastAccessedDetailsResponse,
};
use ids::{AccountId, Arn};
use jiff::SignedDuration;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, KeyPrefix, Record, View};

use super::record::AccessJobRecord;
use super::subject::Subject;
use crate::{Iam, IamError};

/// How long a job is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(4);
/// Old jobs that are looked for when there is a new one.
const LOOKED_AT: usize = 100;

impl Operation<Iam> for GenerateServiceLastAccessedDetails {
    type Error = IamError;

    fn needs(
        input: &GenerateServiceLastAccessedDetailsRequest,
        _view: &View,
        _scope: &Scope,
    ) -> Result<Vec<Need>, IamError> {
        let action = "iam:GenerateServiceLastAccessedDetails";
        Ok(vec![input.arn.parse::<Arn>().map_or_else(|_| Need::any(action), |arn| Need::on(action, arn))])
    }

    fn apply(
        input: &GenerateServiceLastAccessedDetailsRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<GenerateServiceLastAccessedDetailsResponse>, IamError> {
        Subject::of(view, &cx.account, &input.arn)?;
        let job = AccessJobRecord {
            account: cx.account.clone(),
            id: wire::uuid_request_id(cx.random()),
            arn: input.arn.clone(),
            has_actions: input.granularity.as_deref() == Some("ACTION_LEVEL"),
            created: cx.now,
        };
        let mut changes = Changes::new();
        let all = KeyPrefix::of((cx.account.clone(),));
        for old in view.scan::<AccessJobRecord>(&all, None, LOOKED_AT)? {
            if is_over(&old, cx) {
                changes.delete::<AccessJobRecord>(&old.key());
            }
        }
        changes.put(&job)?;
        Ok(Applied::with(GenerateServiceLastAccessedDetailsResponse { job_id: Some(job.id) }, changes))
    }
}

fn is_over(job: &AccessJobRecord, cx: &Cx) -> bool {
    cx.now.duration_since(job.created) > KEPT
}

/// The job of this id.
///
/// # Errors
/// `NoSuchEntity`, and the store's.
pub(super) fn job(view: &View, account: &AccountId, id: &str, cx: &Cx) -> Result<AccessJobRecord, IamError> {
    let found = view.get::<AccessJobRecord>(&(account.clone(), id.to_owned()))?.filter(|job| !is_over(job, cx));
    found.ok_or_else(|| IamError::NoSuchEntity(format!("Job {id} cannot be found.")))
}
