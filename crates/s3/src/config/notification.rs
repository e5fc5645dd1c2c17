//! `s3:PutBucketNotificationConfiguration` and `s3:GetBucketNotificationConfiguration`. Nothing is delivered yet, as no
//! service is here that it could be delivered to; so whether a destination exists is not asked, as if the request had
//! said `x-amz-skip-destination-validation`.
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html>.

use api::s3::{
    GetBucketNotificationConfiguration, GetBucketNotificationConfigurationRequest, NotificationConfiguration,
    NotificationConfigurationFilter, PutBucketNotificationConfiguration, PutBucketNotificationConfigurationRequest,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use service::{Applied, Cx, Need, Operation, Scope};
use store::{Changes, View};

use super::faithful::Faithful;
use super::record::{BucketConfig, config, delete_config, put_config};
use crate::access::Grounds;
use crate::buckets::known_bucket;
use crate::{S3, S3Error};

/// The most bytes that the value of a filter rule may have.
const MAX_VALUE: usize = 1024;

/// The events that may be asked for; those that end in `*` stand for all of their beginning.
const EVENTS: [&str; 31] = [
    "s3:ReducedRedundancyLostObject",
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationNotTracked",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:ObjectAcl:Put",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
    "s3:ObjectAnnotation:*",
    "s3:ObjectAnnotation:Put",
    "s3:ObjectAnnotation:Delete",
    "s3:ObjectRetention:Put",
];

/// Who is told of what happens in a bucket.
#[derive(Serialize, Deserialize)]
struct Notifications(Faithful<NotificationConfiguration>);

impl BucketConfig for Notifications {
    const KIND: &'static str = "notification";
}

impl Operation<S3> for PutBucketNotificationConfiguration {
    type Error = S3Error;

    fn needs(
        input: &PutBucketNotificationConfigurationRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:PutBucketNotification")])
    }

    fn apply(input: &PutBucketNotificationConfigurationRequest, view: &View, cx: &Cx) -> Result<Applied<()>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let mut wanted = input.notification_configuration.clone();
        settle(&mut wanted, cx)?;
        let mut changes = Changes::new();
        if wanted == NotificationConfiguration::default() {
            delete_config::<Notifications>(&mut changes, &bucket.name, "");
        } else {
            put_config(&mut changes, &bucket.name, "", &Notifications(Faithful(wanted)))?;
        }
        Ok(Applied::with((), changes))
    }
}

impl Operation<S3> for GetBucketNotificationConfiguration {
    type Error = S3Error;

    fn needs(
        input: &GetBucketNotificationConfigurationRequest,
        view: &View,
        scope: &Scope,
    ) -> Result<Vec<Need>, S3Error> {
        Ok(vec![Grounds::of(view, scope, &input.bucket)?.bucket("s3:GetBucketNotification")])
    }

    /// A bucket that tells nobody answers an empty document.
    fn apply(
        input: &GetBucketNotificationConfigurationRequest,
        view: &View,
        _cx: &Cx,
    ) -> Result<Applied<NotificationConfiguration>, S3Error> {
        let bucket = known_bucket(view, &input.bucket, input.expected_bucket_owner.as_deref())?;
        let found = config::<Notifications>(view, &bucket.name, "")?;
        Ok(Applied::read(found.map(|found| found.0.0).unwrap_or_default()))
    }
}

/// One destination, whatever it is.
struct Asked<'a> {
    id: &'a mut Option<String>,
    /// Its service, the name of its element, and its ARN.
    destination: (&'static str, &'static str, &'a str),
    events: &'a [String],
    filter: Option<&'a mut NotificationConfigurationFilter>,
}

/// Checks a configuration, and gives ids to those destinations that came without.
fn settle(wanted: &mut NotificationConfiguration, cx: &Cx) -> Result<(), S3Error> {
    let mut all: Vec<Asked<'_>> = Vec::new();
    for it in wanted.topic_configurations.iter_mut().flatten() {
        let destination = ("sns", "Topic", it.topic_arn.as_str());
        all.push(Asked { id: &mut it.id, destination, events: &it.events, filter: it.filter.as_mut() });
    }
    for it in wanted.queue_configurations.iter_mut().flatten() {
        let destination = ("sqs", "Queue", it.queue_arn.as_str());
        all.push(Asked { id: &mut it.id, destination, events: &it.events, filter: it.filter.as_mut() });
    }
    for it in wanted.lambda_function_configurations.iter_mut().flatten() {
        let destination = ("lambda", "CloudFunction", it.lambda_function_arn.as_str());
        all.push(Asked { id: &mut it.id, destination, events: &it.events, filter: it.filter.as_mut() });
    }
    let mut terms: Vec<Terms> = Vec::new();
    for it in &mut all {
        let (service, name, arn) = it.destination;
        if !is_arn_of(arn, service) {
            return Err(S3Error::argument(name, arn, "The ARN could not be parsed"));
        }
        if it.events.is_empty() {
            return Err(S3Error::MalformedXml);
        }
        if let Some(unknown) = it.events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
            return Err(S3Error::argument("Event", unknown, "The event is not supported for notifications"));
        }
        let (prefix, suffix) = it.filter.as_deref_mut().map_or(Ok(Default::default()), check_filter)?;
        let new = Terms { events: it.events.to_vec(), prefix, suffix };
        if let Some(overlapping) = terms.iter().find(|other| other.overlap(&new)) {
            return Err(S3Error::misconfigured("InvalidArgument", overlapping.ambiguity(&new)));
        }
        terms.push(new);
        if it.id.as_deref().is_none_or(str::is_empty) {
            *it.id = Some(STANDARD.encode(wire::uuid_request_id(cx.random())));
        }
    }
    Ok(())
}

fn is_arn_of(arn: &str, service: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", partition, of, _, _, resource]
        if partition.starts_with("aws") && *of == service && !resource.is_empty())
}

/// The prefix and the suffix of a filter, whose names are written as S3 writes them.
fn check_filter(filter: &mut NotificationConfigurationFilter) -> Result<(String, String), S3Error> {
    let (mut prefix, mut suffix) = (None, None);
    for rule in filter.key.iter_mut().flat_map(|key| key.filter_rules.iter_mut().flatten()) {
        let value = rule.value.clone().unwrap_or_default();
        if value.len() > MAX_VALUE {
            let text = "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation";
            return Err(S3Error::argument("FilterRule.Value", value, text));
        }
        let name = rule.name.as_deref().unwrap_or_default().to_ascii_lowercase();
        let (place, is_taken, shown) = match name.as_str() {
            "prefix" => (&mut prefix, "Cannot specify more than one prefix rule in a filter.", "Prefix"),
            "suffix" => (&mut suffix, "Cannot specify more than one suffix rule in a filter.", "Suffix"),
            _ => {
                let text = "filter rule name must be either prefix or suffix";
                return Err(S3Error::argument("FilterRule.Name", rule.name.clone().unwrap_or_default(), text));
            }
        };
        if place.replace(value.clone()).is_some() {
            return Err(S3Error::argument("FilterRule.Name", shown, is_taken));
        }
        rule.name = Some(shown.to_owned());
    }
    Ok((prefix.unwrap_or_default(), suffix.unwrap_or_default()))
}

/// Of what a destination is told.
struct Terms {
    events: Vec<String>,
    prefix: String,
    suffix: String,
}

impl Terms {
    /// Whether one thing could happen of which both would be told.
    fn overlap(&self, other: &Self) -> bool {
        let covers = |one: &str, event: &str| {
            one == event || one.strip_suffix('*').is_some_and(|beginning| event.starts_with(beginning))
        };
        let is_shared = |one: &String| other.events.iter().any(|event| covers(one, event) || covers(event, one));
        let begins = self.prefix.starts_with(&other.prefix) || other.prefix.starts_with(&self.prefix);
        let ends = self.suffix.ends_with(&other.suffix) || other.suffix.ends_with(&self.suffix);
        begins && ends && self.events.iter().any(is_shared)
    }

    fn ambiguity(&self, other: &Self) -> &'static str {
        let has_filter = |it: &Self| !it.prefix.is_empty() || !it.suffix.is_empty();
        if has_filter(self) && has_filter(other) {
            "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type."
        } else {
            "Configurations overlap. Configurations on the same bucket cannot share a common event type."
        }
    }
}
