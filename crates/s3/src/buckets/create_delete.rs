//! `s3:CreateBucket` and `s3:DeleteBucket`.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>.

use api::s3::{CreateBucket, CreateBucketOutput, CreateBucketRequest, DeleteBucket, DeleteBucketRequest};
use async_trait::async_trait;
use service::{Applied, Cx, Need, Operation, Scope, Streaming};
use store::{Changes, KeyPrefix, View};

use super::names::is_new_bucket_name;
use super::record::{BucketRecord, Versioning, bucket_arn, known_bucket};
use crate::access::{Grounds, given};
use crate::acl::{AclError, AclHeaders, Ownership, acl_of_bucket, of_new_bucket};
use crate::config;
use crate::lock::BucketLock;
use crate::objects::{ObjectRecord, VersionRecord};
use crate::policies::BucketPolicyRecord;
use crate::public_access::PublicAccessBlockRecord;
use crate::unbuilt::refuse_given;
use crate::uploads::abort_all;
use crate::{NewBuckets, S3, S3Error};

/// The region whose buckets have no location constraint.
pub(super) const FIRST_REGION: &str = "us-east-1";

#[async_trait]
impl Streaming<S3> for CreateBucket {
    type Error = S3Error;
    type Staged = NewBuckets;
    type Found = CreateBucketOutput;

    fn needs(input: &CreateBucketRequest, _view: &View, _scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        let on = |action| Need::on(action, bucket_arn(&input.bucket));
        let configuration = input.create_bucket_configuration.as_ref();
        let acl = acl_headers(input);
        let keys = acl.keys();
        let constraint = configuration.and_then(|it| it.location_constraint.as_deref());
        let others = [
            ("s3:locationconstraint", constraint),
            ("s3:x-amz-object-ownership", input.object_ownership.as_deref()),
            ("s3:x-amz-bucket-namespace", input.bucket_namespace.as_deref()),
        ];
        let tags = configuration.and_then(|it| it.tags.as_deref()).unwrap_or_default();
        let tags = || tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        let mut needs = vec![given(given(on("s3:CreateBucket").tagging(tags()), &keys), &others)];
        if acl.is_given() {
            needs.push(given(on("s3:PutBucketAcl"), &keys));
        }
        if input.object_lock_enabled_for_bucket == Some(true) {
            needs.extend([on("s3:PutBucketObjectLockConfiguration"), on("s3:PutBucketVersioning")]);
        }
        if input.object_ownership.is_some() {
            needs.push(on("s3:PutBucketOwnershipControls"));
        }
        if tags().next().is_some() {
            needs.push(on("s3:TagResource").tagging(tags()));
        }
        Ok(needs)
    }

    fn check(_input: &CreateBucketRequest, _view: &View, _cx: &Cx) -> Result<(), S3Error> {
        Ok(())
    }

    /// No bytes come, but the service knows what new buckets are like.
    async fn stage(service: &S3, _input: &mut CreateBucketRequest, _cx: &Cx) -> Result<NewBuckets, S3Error> {
        Ok(service.new_buckets())
    }

    fn apply(
        input: &CreateBucketRequest,
        new_buckets: &NewBuckets,
        view: &View,
        cx: &Cx,
    ) -> Result<Applied<CreateBucketOutput>, S3Error> {
        let name = &input.bucket;
        if !is_new_bucket_name(name) {
            return Err(S3Error::InvalidBucketName(name.clone()));
        }
        refuse_unbuilt(input)?;
        let configuration = input.create_bucket_configuration.as_ref();
        let constraint = configuration.and_then(|it| it.location_constraint.as_deref()).filter(|it| !it.is_empty());
        check_location(constraint, cx.region_name())?;
        let Some(account) = cx.call.caller.account.clone() else { return Err(S3Error::AccessDenied) };
        let output =
            CreateBucketOutput { location: Some(format!("/{name}")), bucket_arn: Some(bucket_arn(name).to_string()) };
        if let Some(existing) = view.get::<BucketRecord>(name)? {
            // Only the first region answers a repeated creation with success.
            return match (existing.owner == account, cx.region_name() == FIRST_REGION) {
                (true, true) => Ok(Applied::with(output, made_again(existing, input, view, cx)?)),
                (true, false) => Err(S3Error::BucketAlreadyOwnedByYou(name.clone())),
                (false, _) => Err(S3Error::BucketAlreadyExists(name.clone())),
            };
        }
        let ownership = ownership(input, *new_buckets)?;
        let mut bucket = BucketRecord::new(name, account, cx.region_name(), cx.now);
        bucket.acl = of_new_bucket(view, cx, &bucket.owner, ownership, &acl_headers(input))?;
        bucket.ownership = ownership;
        if input.object_lock_enabled_for_bucket == Some(true) {
            bucket.lock = Some(BucketLock::default());
            bucket.versioning = Versioning::Enabled;
        }
        let mut changes = Changes::new();
        changes.put(&bucket)?;
        if *new_buckets == NewBuckets::Aws {
            changes.put(&PublicAccessBlockRecord::of_new(name))?;
        }
        if let Some(tags) = configuration.and_then(|it| it.tags.as_deref()).filter(|tags| !tags.is_empty()) {
            config::put_tags(&mut changes, name, tags)?;
        }
        Ok(Applied::with(output, changes))
    }

    async fn abandon(_service: &S3, _staged: &NewBuckets) {}

    async fn finish(
        _service: &S3,
        _input: &CreateBucketRequest,
        made: CreateBucketOutput,
    ) -> Result<CreateBucketOutput, S3Error> {
        Ok(made)
    }
}

/// Making a bucket again resets its list.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html> (`BucketAlreadyOwnedByYou`).
fn made_again(mut bucket: BucketRecord, input: &CreateBucketRequest, view: &View, cx: &Cx) -> Result<Changes, S3Error> {
    let mut changes = Changes::new();
    if bucket.ownership.has_lists() {
        let acl = acl_of_bucket(view, cx, &bucket, &acl_headers(input))?;
        if acl != bucket.acl {
            bucket.acl = acl;
            changes.put(&bucket)?;
        }
    }
    Ok(changes)
}

fn acl_headers(input: &CreateBucketRequest) -> AclHeaders<'_> {
    AclHeaders {
        canned: input.acl.as_deref(),
        full_control: input.grant_full_control.as_deref(),
        read: input.grant_read.as_deref(),
        read_acp: input.grant_read_acp.as_deref(),
        write: input.grant_write.as_deref(),
        write_acp: input.grant_write_acp.as_deref(),
    }
}

fn ownership(input: &CreateBucketRequest, new_buckets: NewBuckets) -> Result<Ownership, S3Error> {
    let Some(wanted) = input.object_ownership.as_deref() else {
        return Ok(match new_buckets {
            NewBuckets::Aws => Ownership::default(),
            NewBuckets::Classic => Ownership::Unsaid,
        });
    };
    let unknown = || AclError::UnknownOwnership(wanted.to_owned());
    Ok(Ownership::named(wanted).ok_or_else(unknown)?)
}

fn refuse_unbuilt(input: &CreateBucketRequest) -> Result<(), S3Error> {
    let configuration = input.create_bucket_configuration.as_ref();
    refuse_given(&[
        ("x-amz-bucket-namespace", input.bucket_namespace.as_deref().is_some_and(|it| it != "global")),
        ("Location", configuration.is_some_and(|it| it.location.is_some())),
        ("Bucket", configuration.is_some_and(|it| it.bucket.is_some())),
    ])
}

/// A bucket is made in the region of the endpoint; the constraint must say so, but in the first region say nothing.
fn check_location(constraint: Option<&str>, region: &str) -> Result<(), S3Error> {
    let named = match constraint {
        Some("EU") => Some("eu-west-1"),
        other => other,
    };
    match named {
        None if region == FIRST_REGION => Ok(()),
        None => Err(S3Error::IllegalLocationConstraint("unspecified".to_owned())),
        Some(FIRST_REGION) if region == FIRST_REGION => {
            Err(S3Error::InvalidLocationConstraint(FIRST_REGION.to_owned()))
        }
        Some(named) if named == region => Ok(()),
        Some(named) if is_region_name(named) => Err(S3Error::IllegalLocationConstraint(named.to_owned())),
        Some(named) => Err(S3Error::InvalidLocationConstraint(named.to_owned())),
    }
}

/// Whether a text looks like one of AWS's regions, such as `ap-southeast-2` or `us-gov-west-1`.
pub(super) fn is_region_name(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.as_slice() {
        [area, middle @ .., number] => {
            area.len() == 2
                && is_word(area)
                && !middle.is_empty()
                && middle.iter().all(is_word)
                && number.len() == 1
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

impl Operation<S3> for DeleteBucket {
    type Error = S3Error;

    fn needs(input: &DeleteBucketRequest, view: &View, scope: &Scope) -> Result<Vec<Need>, Self::Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:DeleteBucket")])
    }

    fn apply(input: &DeleteBucketRequest, view: &View, cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        // An object put meanwhile lies in the range read here, so that one of the two commits conflicts.
        if !view.scan::<ObjectRecord>(&KeyPrefix::of(&bucket.name), None, 1)?.is_empty() {
            return Err(match bucket.versioning {
                Versioning::Never => S3Error::BucketNotEmpty(bucket.name),
                Versioning::Enabled | Versioning::Suspended => S3Error::VersionsLeft(bucket.name),
            });
        }
        if !view.scan::<VersionRecord>(&KeyPrefix::of(&bucket.name), None, 1)?.is_empty() {
            return Err(S3Error::VersionsLeft(bucket.name));
        }
        let mut changes = Changes::new();
        changes.delete::<BucketRecord>(&bucket.name);
        changes.delete::<BucketPolicyRecord>(&bucket.name);
        changes.delete::<PublicAccessBlockRecord>(&bucket.name);
        config::delete_all(view, &mut changes, &bucket.name)?;
        abort_all(view, &mut changes, &bucket.name, cx.now)?;
        Ok(Applied::with((), changes))
    }
}

#[cfg(test)]
mod tests {
    use super::check_location;
    use crate::S3Error;

    #[test]
    fn location_constraints() {
        let check = |constraint, region| match check_location(constraint, region) {
            Ok(()) => "ok",
            Err(S3Error::IllegalLocationConstraint(_)) => "illegal",
            Err(S3Error::InvalidLocationConstraint(_)) => "invalid",
            Err(_) => "another",
        };
        for (constraint, region, expected) in [
            (None, "us-east-1", "ok"),
            (Some("us-east-1"), "us-east-1", "invalid"),
            (Some("eu-west-1"), "us-east-1", "illegal"),
            (Some("mars"), "us-east-1", "invalid"),
            (None, "eu-central-1", "illegal"),
            (Some("eu-central-1"), "eu-central-1", "ok"),
            (Some("us-gov-west-1"), "eu-central-1", "illegal"),
            (Some("us-east-1"), "eu-central-1", "illegal"),
            (Some("EU"), "eu-west-1", "ok"),
            (Some("home"), "home", "ok"),
        ] {
            assert_eq!(check(constraint, region), expected, "{constraint:?} at {region}");
        }
    }
}
