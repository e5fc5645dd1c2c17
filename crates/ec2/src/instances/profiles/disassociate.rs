//! `ec2:DisassociateIamInstanceProfile`: takes an instance's profile away. Its credentials end with it.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisassociateIamInstanceProfile.html>.

use api::ec2::{
    DisassociateIamInstanceProfile, DisassociateIamInstanceProfileRequest, DisassociateIamInstanceProfileResult,
};
use ids::AccountId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, Record, View};

use super::{AssociationRecord, shown};
use crate::grounds::Grounds;
use crate::{Ec2, Ec2Error};

impl Operation<Ec2> for DisassociateIamInstanceProfile {
    type Error = Ec2Error;

    fn needs(
        input: &DisassociateIamInstanceProfileRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![need("ec2:DisassociateIamInstanceProfile", &input.association_id, view, scope)?])
    }

    fn apply(
        input: &DisassociateIamInstanceProfileRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DisassociateIamInstanceProfileResult>, Ec2Error> {
        let association = by_id(view, &cx.account, &input.association_id)?;
        let association = association.ok_or_else(|| not_found(&input.association_id))?;
        let mut changes = Changes::new();
        changes.delete::<AssociationRecord>(&association.key());
        let iam_instance_profile_association = Some(shown(&association, "disassociating", false));
        Ok(Applied::with(DisassociateIamInstanceProfileResult { iam_instance_profile_association }, changes))
    }
}

/// What an action on an association needs: the action on its instance.
pub(super) fn need(action: &'static str, id: &str, view: &View, scope: &Scope) -> Result<Need, Ec2Error> {
    let grounds = Grounds::new(view, scope);
    let found = match &scope.account {
        Some(account) => by_id(view, account, id)?,
        None => None,
    };
    Ok(match found {
        Some(association) => grounds.instance(action, association.instance.as_str())?,
        None => grounds.on(action, "instance/*"),
    })
}

/// The association with this id.
pub(super) fn by_id(view: &View, account: &AccountId, id: &str) -> Result<Option<AssociationRecord>, Ec2Error> {
    Ok(view.by_index::<AssociationRecord>("id", (account.clone(), id.to_owned()), None, 1)?.pop())
}

/// The refusal of an id that is no association's.
pub(super) fn not_found(id: &str) -> Ec2Error {
    Ec2Error::refused("InvalidAssociationID.NotFound", format!("An invalid association-id of '{id}' was given"))
}
