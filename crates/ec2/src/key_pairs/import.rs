//! `ec2:ImportKeyPair`: a public key whose private half its owner keeps.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ImportKeyPair.html>.

use api::ec2::{ImportKeyPair, ImportKeyPairRequest, ImportKeyPairResult};
use ids::KeyPairId;
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::check_new_name;
use super::public_key::PublicKey;
use super::record::KeyPairRecord;
use crate::grounds::Grounds;
use crate::{Ec2, Ec2Error, tags};

impl Operation<Ec2> for ImportKeyPair {
    type Error = Ec2Error;

    fn needs(input: &ImportKeyPairRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let grounds = Grounds::new(view, scope);
        let pair = grounds.key_pair("ec2:ImportKeyPair", &input.key_name)?;
        Ok(grounds.making(pair, "ImportKeyPair", "key-pair", input.tag_specifications.as_ref()))
    }

    fn apply(input: &ImportKeyPairRequest, view: &View, cx: &Cx) -> Result<Applied<ImportKeyPairResult>, Ec2Error> {
        let [new_tags] = tags::read_tag_specifications(input.tag_specifications.as_ref(), ["key-pair"])?;
        let key = PublicKey::parse(&input.public_key_material).map_err(|why| {
            Ec2Error::refused("InvalidKey.Format", format!("Key is not in valid OpenSSH public key format: {why}"))
        })?;
        check_new_name(&input.key_name, view, &cx.account)?;

        let id = KeyPairId::from_random(cx.random());
        let fingerprint = key.fingerprint();
        let mut changes = Changes::new();
        changes.put(&KeyPairRecord {
            account: cx.account.clone(),
            name: input.key_name.clone(),
            id: id.clone(),
            key_type: key.type_name().to_owned(),
            fingerprint: fingerprint.clone(),
            public_openssh: key.line(),
            created: cx.now,
        })?;
        tags::put_tags(&mut changes, &cx.account, id.as_str(), &new_tags)?;
        let output = ImportKeyPairResult {
            key_fingerprint: Some(fingerprint),
            key_name: Some(input.key_name.clone()),
            key_pair_id: Some(id.to_string()),
            tags: tags::shown(&new_tags),
        };
        Ok(Applied::with(output, changes))
    }
}
