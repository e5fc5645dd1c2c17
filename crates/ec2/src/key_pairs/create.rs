//! `ec2:CreateKeyPair`: the private key is in the answer and nowhere else.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateKeyPair.html>.

use api::ec2::{CreateKeyPair, CreateKeyPairRequest, KeyPair};
use ids::KeyPairId;
use service::{Applied, Cx, KeyAlgorithm, Need, Operation, Scope};
use store::{Changes, View};

use super::check_new_name;
use super::record::KeyPairRecord;
use crate::grounds::Grounds;
use crate::{Ec2, Ec2Error, tags};

impl Operation<Ec2> for CreateKeyPair {
    type Error = Ec2Error;

    fn needs(input: &CreateKeyPairRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let grounds = Grounds::new(view, scope);
        let pair = grounds.key_pair("ec2:CreateKeyPair", &input.key_name)?;
        let pair = pair.with("ec2:KeyPairType", input.key_type.as_deref().unwrap_or("rsa"));
        Ok(grounds.making(pair, "CreateKeyPair", "key-pair", input.tag_specifications.as_ref()))
    }

    fn apply(input: &CreateKeyPairRequest, view: &View, cx: &Cx) -> Result<Applied<KeyPair>, Ec2Error> {
        let (algorithm, key_type) = match input.key_type.as_deref().unwrap_or("rsa") {
            "rsa" => (KeyAlgorithm::Rsa, "rsa"),
            "ed25519" => (KeyAlgorithm::Ed25519, "ed25519"),
            other => return Err(invalid(other, "KeyType")),
        };
        match input.key_format.as_deref().unwrap_or("pem") {
            "pem" => {}
            "ppk" => return Err(Ec2Error::unsupported("The key format ppk")),
            other => return Err(invalid(other, "KeyFormat")),
        }
        let [new_tags] = tags::read_tag_specifications(input.tag_specifications.as_ref(), ["key-pair"])?;
        check_new_name(&input.key_name, view, &cx.account)?;

        let key = cx.new_key(algorithm).map_err(Ec2Error::Internal)?;
        let id = KeyPairId::from_random(cx.random());
        let mut changes = Changes::new();
        changes.put(&KeyPairRecord {
            account: cx.account.clone(),
            name: input.key_name.clone(),
            id: id.clone(),
            key_type: key_type.to_owned(),
            fingerprint: key.fingerprint.clone(),
            public_openssh: key.public_openssh,
            created: cx.now,
        })?;
        tags::put_tags(&mut changes, &cx.account, id.as_str(), &new_tags)?;
        let output = KeyPair {
            key_pair_id: Some(id.to_string()),
            tags: tags::shown(&new_tags),
            key_name: Some(input.key_name.clone()),
            key_fingerprint: Some(key.fingerprint),
            key_material: Some(key.private_pem),
        };
        Ok(Applied::with(output, changes))
    }
}

fn invalid(value: &str, parameter: &str) -> Ec2Error {
    Ec2Error::invalid_value(format!("Value ({value}) for parameter {parameter} is invalid."))
}
