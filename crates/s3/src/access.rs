//! What callers must be allowed to do with buckets and objects: each need names the bucket's owner and carries the
//! bucket's policy and what lists grant the caller, and says what conditions may ask about the request.
//! Source: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>.

use std::sync::Arc;

use api::s3::Tag;
use api::{Caller, Principal};
use policy::{Granted, Kind};
use service::{Need, ResourcePolicy, Scope};
use store::View;

use crate::S3Error;
use crate::acl::{granted, object_owner, on_bucket, on_object};
use crate::buckets::{BucketRecord, bucket_arn, known_bucket, object_arn};
use crate::config::tags_of;
use crate::objects::{Found, ObjectRecord, find};
use crate::policies::BucketPolicyRecord;
use crate::public_access::Blocked;
use crate::uploads::UploadRecord;

/// A bucket and who may do what with it.
pub(crate) struct Grounds {
    bucket: BucketRecord,
    policy: Option<Arc<ResourcePolicy>>,
    caller: Caller,
    /// Whether grants to everyone in lists count for nothing.
    ignores_public: bool,
    /// Its tags, where they decide.
    tags: Vec<Tag>,
}

impl Grounds {
    /// The bucket of this name. That there is none is no secret, as its name could be taken: AWS says so to everyone.
    ///
    /// # Errors
    /// [`S3Error::InvalidBucketName`], [`S3Error::NoSuchBucket`], the store's.
    pub(crate) fn of(view: &View, scope: &Scope, name: &str) -> Result<Self, S3Error> {
        let bucket = known_bucket(view, name, None)?;
        let policy = view.get::<BucketPolicyRecord>(&bucket.name)?;
        let is_public = policy.as_ref().is_some_and(|policy| policy.is_public);
        // Nothing that is private is asked what it blocks.
        let blocked = match is_public || bucket.ownership.has_lists() {
            true => Blocked::of(view, &bucket)?,
            false => Blocked::default(),
        };
        let policy = policy.filter(|policy| !(policy.is_public && blocked.restricted && !is_within(scope, &bucket)));
        let policy = policy.map(|BucketPolicyRecord { document, principals, .. }| {
            Arc::new(ResourcePolicy { document, kind: Kind::Resource, must_allow: false, principals })
        });
        let ignores_public = blocked.ignored_acls;
        let tags = if bucket.is_abac { tags_of(view, &bucket.name)? } else { Vec::new() };
        Ok(Self { bucket, policy, caller: scope.caller.clone(), ignores_public, tags })
    }

    /// An action on the bucket.
    pub(crate) fn bucket(&self, action: &'static str) -> Need {
        self.under(Need::on(action, bucket_arn(&self.bucket.name)))
    }

    /// An action on the object `key` that the bucket's owner decides on, whoever owns what is there: putting and deleting
    /// it. For all others there is [`Self::on_version`].
    pub(crate) fn object(&self, action: &'static str, key: &str) -> Need {
        self.under(Need::on(action, object_arn(&self.bucket.name, key)))
    }

    /// To give a new object at `key` a list. Whose the object is decides, and that is who writes it, or its list counts for
    /// nothing: so policies of buckets that let others put objects with a list need name `s3:PutObject` alone.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html>, "Granting cross-account
    /// permissions to upload objects while ensuring that the bucket owner has full control".
    pub(crate) fn acl_of_new(&self, key: &str) -> Need {
        let mut need = self.object("s3:PutObjectAcl", key);
        match &self.caller.account {
            Some(writer) => {
                need.only_denies = *writer != self.bucket.owner;
                need.owner = Some(writer.clone());
            }
            None => need.granted = self.granted_by_bucket("s3:PutObject"),
        }
        need
    }

    /// What reading an object needs: the right to list its key if it is not there, so that nobody else learns that. There is
    /// nothing to read then, and all that the right to read says is whether it is denied.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html> (`Permissions`).
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn reading(&self, view: &View, key: &str, version: Option<&str>) -> Result<Vec<Need>, S3Error> {
        let read = match version {
            None => self.object("s3:GetObject", key),
            Some(version) => self.object("s3:GetObjectVersion", key).with("s3:VersionId", version),
        };
        match (find(view, &self.bucket, key, version)?, version) {
            (Found::Object(object), _) => Ok(vec![self.owned(read, &object)]),
            (Found::Marker(_), Some(_)) => Ok(vec![read]),
            (Found::Nothing, Some(_)) => Ok(self.missing(read, "s3:ListBucketVersions", key)),
            (Found::Marker(_) | Found::Nothing, None) => Ok(self.missing(read, "s3:ListBucket", key)),
        }
    }

    /// What it needs beside reading an object to be told how it is locked: its retention is the first part, its legal hold
    /// the second. Who may not is told all else.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn seeing_lock(&self, view: &View, key: &str, version: Option<&str>) -> Result<Vec<Need>, S3Error> {
        if self.bucket.lock.is_none() {
            return Ok(Vec::new());
        }
        let actions = ["s3:GetObjectRetention", "s3:GetObjectLegalHold"].into_iter().enumerate();
        let need = |(part, action)| Ok(self.on_version((action, action), view, key, version)?.for_part(part));
        actions.map(need).collect()
    }

    fn missing(&self, mut read: Need, listing: &'static str, key: &str) -> Vec<Need> {
        read.granted = Some(Granted::ToAll);
        vec![read, self.bucket(listing).with("s3:prefix", key)]
    }

    /// An action on an object or on one of its versions, which have names of their own; conditions may ask for the tags
    /// that it has.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn on_version(
        &self,
        (action, of_version): (&'static str, &'static str),
        view: &View,
        key: &str,
        version: Option<&str>,
    ) -> Result<Need, S3Error> {
        let need = match version {
            None => self.object(action, key),
            Some(version) => self.object(of_version, key).with("s3:VersionId", version),
        };
        Ok(match find(view, &self.bucket, key, version)? {
            Found::Object(object) => self.owned(need, &object),
            Found::Marker(_) | Found::Nothing => need,
        })
    }

    /// A need on an object that is there, of which its owner decides, and its list. The policy of a bucket can only deny
    /// what is done with somebody else's objects.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-auth-workflow-object-operation.html>.
    fn owned(&self, need: Need, object: &ObjectRecord) -> Need {
        let mut need = tagged(need, object);
        if !self.bucket.ownership.has_lists() {
            return need;
        }
        let owner = object_owner(&self.bucket, object);
        need.only_denies = *owner != self.bucket.owner;
        need.owner = Some(owner.clone());
        need.granted = match (on_object(&need.action), &object.traits.acl) {
            (Some(permission), Some(acl)) => granted(acl, permission, &self.caller, self.ignores_public),
            _ => None,
        };
        need
    }

    /// An action on an upload to `key`. Whoever began it may see and abort it, without a policy that says so; their account
    /// too.
    /// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions>.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn upload(&self, action: &'static str, view: &View, key: &str, id: &str) -> Result<Need, S3Error> {
        let mut need = self.object(action, key);
        let upload = view.get::<UploadRecord>(&(self.bucket.name.clone(), key.to_owned(), id.to_owned()))?;
        let began = upload.filter(|upload| self.caller.account.as_ref() == Some(&upload.initiator));
        need.granted = match began {
            Some(upload) if self.caller.arn().is_some_and(|arn| arn == upload.initiator_arn) => Some(Granted::ToAll),
            Some(_) => Some(Granted::ToAccount),
            None => need.granted,
        };
        Ok(need)
    }

    fn under(&self, need: Need) -> Need {
        let owner = self.bucket.owner.clone();
        let need = self.tags.iter().fold(need, |need, tag| {
            need.with(format!("aws:ResourceTag/{}", tag.key), &tag.value)
                .with(format!("s3:BucketTag/{}", tag.key), &tag.value)
        });
        let mut need = need.with("s3:ResourceAccount", owner.as_str()).under(owner, self.policy.clone());
        need.granted = self.granted_by_bucket(&need.action);
        need
    }

    fn granted_by_bucket(&self, action: &str) -> Option<Granted> {
        let acl = self.bucket.acl.as_ref().filter(|_| self.bucket.ownership.has_lists())?;
        granted(acl, on_bucket(action)?, &self.caller, self.ignores_public)
    }
}

/// Whether the caller is of the owner's account, or a service.
fn is_within(scope: &Scope, bucket: &BucketRecord) -> bool {
    scope.account.as_ref() == Some(&bucket.owner) || matches!(scope.caller.principal, Principal::Service(_))
}

/// The need on an object that has these tags.
pub(crate) fn tagged(need: Need, object: &ObjectRecord) -> Need {
    let tags = object.traits.tags.iter();
    tags.fold(need, |need, (key, value)| need.with(format!("s3:ExistingObjectTag/{key}"), value.as_str()))
}

/// The need with each of `keys` that the request gives a value.
pub(crate) fn given(need: Need, keys: &[(&'static str, Option<&str>)]) -> Need {
    keys.iter().fold(need, |need, (key, value)| match value {
        Some(value) => need.with(*key, *value),
        None => need,
    })
}
