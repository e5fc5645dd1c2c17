//! `ec2:ReplaceIamInstanceProfileAssociation`: another profile in the place of the one that an instance has.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceIamInstanceProfileAssociation.html>.

use api::Call;
use api::ec2::{
    ReplaceIamInstanceProfileAssociation, ReplaceIamInstanceProfileAssociationRequest,
    ReplaceIamInstanceProfileAssociationResult,
};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};
use wire::BoxFuture;

use super::disassociate::{by_id, need, not_found};
use super::{AssociationRecord, Resolved, association_id, resolve, shown};
use crate::{Ec2, Ec2Error};

impl Operation<Ec2> for ReplaceIamInstanceProfileAssociation {
    type Error = Ec2Error;

    fn prepare<'a>(
        service: &'a Ec2,
        call: &'a Call,
        input: &'a mut ReplaceIamInstanceProfileAssociationRequest,
    ) -> Option<BoxFuture<'a, Result<(), Ec2Error>>> {
        Some(Box::pin(resolve(service, call, &mut input.iam_instance_profile)))
    }

    fn needs(
        input: &ReplaceIamInstanceProfileAssociationRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, Self::Error> {
        let mut need = need("ec2:ReplaceIamInstanceProfileAssociation", &input.association_id, view, scope)?;
        let instance = need.resource.clone();
        if let Some(arn) = Resolved::arn(&input.iam_instance_profile) {
            need = need.with("ec2:NewInstanceProfile", arn);
        }
        let pass = instance.and_then(|instance| Resolved::need(&input.iam_instance_profile, &instance));
        Ok(std::iter::once(need).chain(pass).collect())
    }

    fn apply(
        input: &ReplaceIamInstanceProfileAssociationRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<ReplaceIamInstanceProfileAssociationResult>, Ec2Error> {
        let old = by_id(view, &cx.account, &input.association_id)?;
        let old = old.ok_or_else(|| not_found(&input.association_id))?;
        let profile = Resolved::read(&input.iam_instance_profile)?;
        let new = AssociationRecord {
            id: association_id(cx.random()),
            profile_arn: profile.arn,
            profile_id: profile.id,
            since: cx.now,
            ..old
        };
        let mut changes = Changes::new();
        changes.put(&new)?;
        let iam_instance_profile_association = Some(shown(&new, "associating", false));
        Ok(Applied::with(ReplaceIamInstanceProfileAssociationResult { iam_instance_profile_association }, changes))
    }
}
