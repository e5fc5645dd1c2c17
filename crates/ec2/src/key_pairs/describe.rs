//! `ec2:DescribeKeyPairs`. Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeKeyPairs.html>.

use api::ec2::{DescribeKeyPairs, DescribeKeyPairsRequest, DescribeKeyPairsResult, KeyPairInfo};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{KeyPrefix, View};

use super::MAX_KEY_PAIRS;
use super::record::KeyPairRecord;
use crate::filters::{Facts, Filters};
use crate::grounds::Grounds;
use crate::{Ec2, Ec2Error, tags};

struct Described {
    record: KeyPairRecord,
    tags: Vec<(String, String)>,
}

impl Facts for Described {
    fn values(&self, name: &str) -> Vec<String> {
        vec![match name {
            "fingerprint" => self.record.fingerprint.clone(),
            "key-name" => self.record.name.clone(),
            "key-pair-id" => self.record.id.to_string(),
            _ => return Vec::new(),
        }]
    }

    fn tags(&self) -> &[(String, String)] {
        &self.tags
    }
}

/// Lists the account's key pairs by name.
impl Operation<Ec2> for DescribeKeyPairs {
    type Error = Ec2Error;

    fn needs(_input: &DescribeKeyPairsRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::new(view, scope).any("ec2:DescribeKeyPairs")])
    }

    fn apply(
        input: &DescribeKeyPairsRequest,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<DescribeKeyPairsResult>, Ec2Error> {
        let names = input.key_names.as_deref().unwrap_or_default();
        let ids = input.key_pair_ids.as_deref().unwrap_or_default();
        let filters = Filters::read(input.filters.as_ref(), &["fingerprint", "key-name", "key-pair-id"])?;
        let mut pairs = view.scan::<KeyPairRecord>(&KeyPrefix::of(&cx.account), None, MAX_KEY_PAIRS)?;
        if let Some(name) = names.iter().find(|name| !pairs.iter().any(|pair| pair.name == **name)) {
            let text = format!("The key pair '{name}' does not exist");
            return Err(Ec2Error::refused("InvalidKeyPair.NotFound", text));
        }
        if let Some(id) = ids.iter().find(|id| !pairs.iter().any(|pair| pair.id.as_str() == id.as_str())) {
            let text = format!("The key pair ID '{id}' does not exist");
            return Err(Ec2Error::refused("InvalidKeyPair.NotFound", text));
        }
        pairs.retain(|pair| {
            (names.is_empty() && ids.is_empty())
                || names.contains(&pair.name)
                || ids.iter().any(|id| id == pair.id.as_str())
        });
        let shows_public_key = input.include_public_key.unwrap_or(false);
        let mut key_pairs = Vec::with_capacity(pairs.len());
        for record in pairs {
            let pair = Described { tags: tags::tags_of(view, &cx.account, record.id.as_str())?, record };
            if filters.matches(&pair) {
                key_pairs.push(shown(pair, shows_public_key));
            }
        }
        Ok(Applied::read(DescribeKeyPairsResult { key_pairs: Some(key_pairs) }))
    }
}

fn shown(pair: Described, shows_public_key: bool) -> KeyPairInfo {
    let record = pair.record;
    KeyPairInfo {
        create_time: Some(record.created),
        key_fingerprint: Some(record.fingerprint),
        key_pair_id: Some(record.id.to_string()),
        key_type: Some(record.key_type),
        public_key: shows_public_key.then(|| format!("{} {}", record.public_openssh, record.name)),
        key_name: Some(record.name),
        tags: Some(tags::shown(&pair.tags).unwrap_or_default()),
    }
}
