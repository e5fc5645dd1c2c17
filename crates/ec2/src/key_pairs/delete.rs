//! `ec2:DeleteKeyPair`: by name or by id. Deleting what is not there succeeds.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteKeyPair.html>.

use api::ec2::{DeleteKeyPair, DeleteKeyPairRequest, DeleteKeyPairResult};
use ids::KeyPairId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::record::KeyPairRecord;
use crate::grounds::Grounds;
use crate::{Ec2, Ec2Error, tags};

impl Operation<Ec2> for DeleteKeyPair {
    type Error = Ec2Error;

    fn needs(input: &DeleteKeyPairRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let (id, name) = (input.key_pair_id.as_deref(), input.key_name.as_deref());
        Ok(vec![Grounds::new(view, scope).named_key_pair("ec2:DeleteKeyPair", id, name)?])
    }

    fn apply(input: &DeleteKeyPairRequest, view: &View, cx: &Cx) -> Result<Applied<DeleteKeyPairResult>, Ec2Error> {
        let found = match (&input.key_name, &input.key_pair_id) {
            (None, None) => return Err(Ec2Error::missing("keyName or keyPairId")),
            (Some(_), Some(_)) => {
                let text = "The parameter keyName cannot be used with the parameter keyPairId";
                return Err(Ec2Error::combination(text));
            }
            (Some(name), None) => view.get::<KeyPairRecord>(&(cx.account.clone(), name.clone()))?,
            (None, Some(id)) => {
                let id: KeyPairId = id
                    .parse()
                    .map_err(|_| Ec2Error::refused("InvalidKeyPair.Format", format!("Invalid key pair ID: '{id}'")))?;
                view.by_index::<KeyPairRecord>("id", (cx.account.clone(), id), None, 1)?.pop()
            }
        };
        let mut changes = Changes::new();
        if let Some(pair) = &found {
            changes.delete::<KeyPairRecord>(&(cx.account.clone(), pair.name.clone()));
            tags::delete_tags_of(view, &mut changes, &cx.account, pair.id.as_str())?;
        }
        let key_pair_id = found.map(|pair| pair.id.to_string());
        Ok(Applied::with(DeleteKeyPairResult { r#return: Some(true), key_pair_id }, changes))
    }
}
