//! What callers must be allowed to do with EC2's resources: each need says of its resource what conditions may ask.
//! Source: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>.

use api::ec2::TagSpecification;
use ids::{AccountId, Arn, ImageId, InstanceId, KeyPairId, SecurityGroupId, SubnetId, VpcId};
use service::{Need, Scope};
use store::{KeyBuf, StoreError, View};

use crate::images::record::ImageRecord;
use crate::instances::profiles::AssociationRecord;
use crate::instances::record::InstanceRecord;
use crate::key_pairs::record::KeyPairRecord;
use crate::network::record::{SubnetRecord, VpcRecord};
use crate::security_groups::record::SecurityGroupRecord;
use crate::tags::tags_of;

/// The needs of one call. What is not there has no facts, and its ARN is what the request says.
pub(crate) struct Grounds<'a> {
    view: &'a View,
    scope: &'a Scope,
}

impl<'a> Grounds<'a> {
    /// Of a call in `scope`.
    pub(crate) fn new(view: &'a View, scope: &'a Scope) -> Self {
        Self { view, scope }
    }

    /// An action without resources.
    pub(crate) fn any(&self, action: &'static str) -> Need {
        Need::any(action).with("ec2:Region", self.scope.region.as_str())
    }

    /// An action on a resource of the account of which nothing more is known, such as `instance/*`.
    pub(crate) fn on(&self, action: &'static str, resource: &str) -> Need {
        self.at(action, self.scope.arn("ec2", resource))
    }

    fn at(&self, action: &'static str, arn: Arn) -> Need {
        Need::on(action, arn).with("ec2:Region", self.scope.region.as_str())
    }

    /// The same on the resource `kind/id`, with its tags.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn tagged(&self, action: &'static str, kind: &str, id: &str) -> Result<Need, StoreError> {
        let need = match kind {
            // The ARN of an image has no account.
            "image" => self.at(action, Arn::new("ec2", &self.scope.region, "", &format!("image/{id}"))),
            _ => self.on(action, &format!("{kind}/{id}")),
        };
        self.with_tags(need, id)
    }

    fn with_tags(&self, need: Need, id: &str) -> Result<Need, StoreError> {
        let Some(account) = &self.scope.account else { return Ok(need) };
        let tags = tags_of(self.view, account, id)?;
        let need = need.tagged(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        Ok(tags.into_iter().fold(need, |need, (key, value)| need.with(format!("ec2:ResourceTag/{key}"), value)))
    }

    /// An action on an instance.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn instance(&self, action: &'static str, id: &str) -> Result<Need, StoreError> {
        let need = self.tagged(action, "instance", id)?.with("ec2:InstanceID", id);
        let (Some(account), Ok(parsed)) = (&self.scope.account, id.parse::<InstanceId>()) else { return Ok(need) };
        let key = (account.clone(), parsed);
        let Some(record) = self.view.get::<InstanceRecord>(&key)? else { return Ok(need) };
        let options = &record.spec.metadata_options;
        let is = |is_so: bool, yes: &'static str, no: &'static str| if is_so { yes } else { no };
        let need = need
            .with("ec2:InstanceType", record.spec.instance_type)
            .with("ec2:AvailabilityZone", record.spec.zone)
            .with("ec2:InstanceMarketType", "on-demand")
            .with("ec2:EbsOptimized", "false")
            .with("ec2:RootDeviceType", "instance-store")
            .with("ec2:Tenancy", "default")
            .with("ec2:MetadataHttpTokens", is(options.is_token_required, "required", "optional"))
            .with("ec2:MetadataHttpEndpoint", is(options.is_enabled, "enabled", "disabled"))
            .with("ec2:InstanceMetadataTags", is(options.shows_tags, "enabled", "disabled"))
            .with("ec2:MetadataHttpPutResponseHopLimit", options.hop_limit.to_string());
        Ok(match self.view.get::<AssociationRecord>(&key)? {
            Some(association) => need.with("ec2:InstanceProfile", association.profile_arn),
            None => need,
        })
    }

    /// An action on an image.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn image(&self, action: &'static str, id: &str) -> Result<Need, StoreError> {
        let need = self.tagged(action, "image", id)?.with("ec2:ImageID", id);
        let Ok(parsed) = id.parse::<ImageId>() else { return Ok(need) };
        let Some(record) = self.view.get::<ImageRecord>(&parsed)? else { return Ok(need) };
        // Images of the region itself are what `amazon` is to AWS.
        let owner = record.owner.as_ref().map_or("amazon", AccountId::as_str).to_owned();
        Ok(need
            .with("ec2:ImageType", "machine")
            .with("ec2:Owner", owner)
            .with("ec2:Public", if record.is_public { "true" } else { "false" })
            .with("ec2:RootDeviceType", "instance-store"))
    }

    /// An action on a subnet.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn subnet(&self, action: &'static str, id: &str) -> Result<Need, StoreError> {
        let need = self.tagged(action, "subnet", id)?.with("ec2:SubnetID", id);
        let (Some(account), Ok(parsed)) = (&self.scope.account, id.parse::<SubnetId>()) else { return Ok(need) };
        let Some(record) = self.view.get::<SubnetRecord>(&(account.clone(), parsed))? else { return Ok(need) };
        Ok(need.with("ec2:AvailabilityZone", record.zone).with("ec2:Vpc", self.vpc_arn(&record.vpc)))
    }

    /// An action on a VPC.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn vpc(&self, action: &'static str, id: &str) -> Result<Need, StoreError> {
        let need = self.tagged(action, "vpc", id)?.with("ec2:VpcID", id);
        let (Some(account), Ok(parsed)) = (&self.scope.account, id.parse::<VpcId>()) else { return Ok(need) };
        let is_there = self.view.contains::<VpcRecord>(&(account.clone(), parsed))?;
        Ok(if is_there { need.with("ec2:Tenancy", "default") } else { need })
    }

    /// An action on a security group.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn group(&self, action: &'static str, id: &str) -> Result<Need, StoreError> {
        let need = self.tagged(action, "security-group", id)?.with("ec2:SecurityGroupID", id);
        let (Some(account), Ok(parsed)) = (&self.scope.account, id.parse::<SecurityGroupId>()) else {
            return Ok(need);
        };
        let Some(record) = self.view.get::<SecurityGroupRecord>(&(account.clone(), parsed))? else { return Ok(need) };
        Ok(need.with("ec2:Vpc", self.vpc_arn(&record.vpc)))
    }

    /// An action on the security group that a request names by id, or by a name in the default VPC.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn named_group(
        &self,
        action: &'static str,
        id: Option<&str>,
        name: Option<&str>,
    ) -> Result<Need, StoreError> {
        let found = match (id, name, &self.scope.account) {
            (Some(id), _, _) => Some(id.to_owned()),
            (None, Some(name), Some(account)) => match crate::network::default_vpc(self.view, account)? {
                Some(vpc) => self.group_of_name(account, &vpc.id, name)?,
                None => None,
            },
            _ => None,
        };
        match found {
            Some(id) => self.group(action, &id),
            None => Ok(self.on(action, "security-group/*")),
        }
    }

    /// The id of the group with this name in a VPC.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn group_of_name(
        &self,
        account: &AccountId,
        vpc: &VpcId,
        name: &str,
    ) -> Result<Option<String>, StoreError> {
        let key = KeyBuf::from((account.clone(), vpc.clone(), name.to_owned()));
        let found = self.view.by_index::<SecurityGroupRecord>("name", key, None, 1)?.pop();
        Ok(found.map(|group| group.id.to_string()))
    }

    /// An action on the key pair of this name. Policies name key pairs by name.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn key_pair(&self, action: &'static str, name: &str) -> Result<Need, StoreError> {
        let need = self.on(action, &format!("key-pair/{name}")).with("ec2:KeyPairName", name);
        let Some(account) = &self.scope.account else { return Ok(need) };
        match self.view.get::<KeyPairRecord>(&(account.clone(), name.to_owned()))? {
            Some(pair) => self.with_tags(need.with("ec2:KeyPairType", pair.key_type), pair.id.as_str()),
            None => Ok(need),
        }
    }

    /// An action on the key pair that a request names by id, or else by name.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn named_key_pair(
        &self,
        action: &'static str,
        id: Option<&str>,
        name: Option<&str>,
    ) -> Result<Need, StoreError> {
        let by_id = match (id.map(str::parse::<KeyPairId>), &self.scope.account) {
            (Some(Ok(id)), Some(account)) => {
                self.view.by_index::<KeyPairRecord>("id", (account.clone(), id), None, 1)?.pop()
            }
            _ => None,
        };
        match (id, by_id, name) {
            (Some(_), Some(pair), _) => self.key_pair(action, &pair.name),
            (None, _, Some(name)) => self.key_pair(action, name),
            _ => Ok(self.on(action, "key-pair/*")),
        }
    }

    /// The need to make something, with the tags that it shall have, and that to tag it if there are any.
    pub(crate) fn making(
        &self,
        need: Need,
        operation: &'static str,
        kind: &str,
        specifications: Option<&Vec<TagSpecification>>,
    ) -> Vec<Need> {
        let of_kind = |given: &&TagSpecification| given.resource_type.as_deref() == Some(kind);
        let given: Vec<&TagSpecification> = specifications.into_iter().flatten().filter(of_kind).collect();
        let tags = given.iter().flat_map(|given| given.tags.as_deref().unwrap_or_default());
        let tags: Vec<(&str, &str)> =
            tags.filter_map(|tag| Some((tag.key.as_deref()?, tag.value.as_deref().unwrap_or_default()))).collect();
        let to_tag = (!given.is_empty()).then(|| Need {
            action: "ec2:CreateTags".into(),
            ..need.clone().tagging(tags.iter().copied()).with("ec2:CreateAction", operation)
        });
        std::iter::once(need.tagging(tags.iter().copied())).chain(to_tag).collect()
    }

    /// The ARN of a VPC of the account, which is how `ec2:Vpc` names it.
    pub(crate) fn vpc_arn(&self, vpc: &VpcId) -> String {
        self.scope.arn("ec2", &format!("vpc/{vpc}")).to_string()
    }
}
