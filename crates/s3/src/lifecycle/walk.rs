//! The walk over everything in buckets that have rules, step by step: what is due is found by one reading, and done by
//! another that sees whether it still is. Not here: how far a walk goes at a time, and what is due.

use std::hash::{DefaultHasher, Hash, Hasher};

use service::Cx;
use store::{Changes, KeyPrefix, Position, Record, View};

use super::plan::{Clockwork, Step};
use super::record::Lifecycle;
use super::rules::common_prefix;
use crate::S3Error;
use crate::buckets::BucketRecord;
use crate::config::{config, configured};
use crate::objects::{ObjectRecord, Version, VersionRecord, versions};
use crate::uploads::{UploadRecord, abort};

/// Where a walk is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Before the first bucket after this one.
    Before(Option<String>),
    /// In a bucket, after this key of what it holds of a kind.
    In(String, Kind, Option<Item>),
}

/// What a bucket holds, in the order of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Objects,
    Versions,
    Uploads,
}

/// One thing that rules may be about, by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Object(<ObjectRecord as Record>::Key),
    Version(<VersionRecord as Record>::Key),
    Upload(<UploadRecord as Record>::Key),
}

/// What one step of a walk found.
#[derive(Debug)]
pub(super) struct Found {
    /// What has something due.
    pub due: Vec<Item>,
    /// How many things were looked at.
    pub examined: usize,
    /// Where the next step begins; none at the end.
    pub next: Option<Place>,
}

/// The rules of a bucket that is still there.
///
/// # Errors
/// The store's.
pub(super) fn lifecycle_of(view: &View, bucket: &str) -> Result<Option<(BucketRecord, Lifecycle)>, S3Error> {
    let Some(record) = view.get::<BucketRecord>(&bucket.to_owned())? else { return Ok(None) };
    Ok(config::<Lifecycle>(view, bucket, "")?.map(|lifecycle| (record, lifecycle)))
}

/// A number that is another one when any bucket has other rules.
///
/// # Errors
/// The store's.
pub(super) fn fingerprint(view: &View) -> Result<u64, S3Error> {
    const PAGE: usize = 500;
    let (mut hasher, mut after) = (DefaultHasher::new(), None);
    loop {
        let page = configured::<Lifecycle>(view, after.as_deref(), PAGE)?;
        for (bucket, lifecycle) in &page {
            let text = serde_json::to_string(lifecycle).map_err(|cause| S3Error::Internal(cause.to_string()))?;
            (bucket, text).hash(&mut hasher);
        }
        if page.len() < PAGE {
            return Ok(hasher.finish());
        }
        after = page.into_iter().last().map(|(bucket, _)| bucket);
    }
}

/// Looks at no more than `limit` things from `place` on.
///
/// # Errors
/// The store's.
pub(super) fn look(
    view: &View,
    place: &Place,
    limit: usize,
    clockwork: impl for<'a> Fn(&'a Lifecycle) -> Clockwork<'a>,
) -> Result<Found, S3Error> {
    let nothing = |next| Found { due: Vec::new(), examined: 0, next };
    let (bucket, kind, after) = match place {
        Place::Before(after) => {
            let next = configured::<Lifecycle>(view, after.as_deref(), 1)?.pop();
            return Ok(nothing(next.map(|(bucket, _)| Place::In(bucket, Kind::Objects, None))));
        }
        Place::In(bucket, kind, after) => (bucket, *kind, after),
    };
    let Some((_, lifecycle)) = lifecycle_of(view, bucket)? else {
        return Ok(nothing(Some(Place::Before(Some(bucket.clone())))));
    };
    let clockwork = clockwork(&lifecycle);
    let prefix = KeyPrefix::of_text(bucket.as_str(), &common_prefix(&lifecycle.rules.0.rules));
    let after = after.as_ref().map(|item| match item {
        Item::Object((bucket, key)) => Position::after((bucket, key)),
        Item::Version((bucket, key, order)) => Position::after((bucket, key, *order)),
        Item::Upload((bucket, key, id)) => Position::after((bucket, key, id)),
    });
    let (mut due, mut last, mut examined) = (Vec::new(), None, 0);
    let mut note = |item: Item, is_due: bool| {
        examined += 1;
        if is_due {
            due.push(item.clone());
        }
        last = Some(item);
    };
    match kind {
        Kind::Objects => {
            for object in view.scan::<ObjectRecord>(&prefix, after.as_ref(), limit)? {
                note(Item::Object(object.key()), clockwork.object(&object) != Step::Keep);
            }
        }
        Kind::Versions => {
            for version in view.scan::<VersionRecord>(&prefix, after.as_ref(), limit)? {
                note(Item::Version(version.key()), version_step(view, &clockwork, &version)? != Step::Keep);
            }
        }
        Kind::Uploads => {
            for upload in view.scan::<UploadRecord>(&prefix, after.as_ref(), limit)? {
                note(Item::Upload(upload.key()), clockwork.upload(&upload.key, upload.initiated));
            }
        }
    }
    let next = match kind {
        _ if examined == limit => Place::In(bucket.clone(), kind, last),
        Kind::Objects => Place::In(bucket.clone(), Kind::Versions, None),
        Kind::Versions => Place::In(bucket.clone(), Kind::Uploads, None),
        Kind::Uploads => Place::Before(Some(bucket.clone())),
    };
    Ok(Found { due, examined, next: Some(next) })
}

/// Adds what is to be done with an item, if it still is; true if anything is.
///
/// # Errors
/// The store's.
pub(super) fn carry_out(
    view: &View,
    changes: &mut Changes,
    bucket: &BucketRecord,
    clockwork: &Clockwork<'_>,
    item: &Item,
    cx: &Cx,
) -> Result<bool, S3Error> {
    match item {
        Item::Object(key) => {
            let Some(mut object) = view.get::<ObjectRecord>(key)? else { return Ok(false) };
            match clockwork.object(&object) {
                Step::Keep => return Ok(false),
                Step::Move(class) => {
                    object.traits.storage_class = class;
                    changes.put(&object)?;
                }
                Step::Expire => drop(versions::delete(view, changes, bucket, &object.key, cx)?),
            }
        }
        Item::Version(key) => {
            let Some(mut record) = view.get::<VersionRecord>(key)? else { return Ok(false) };
            match version_step(view, clockwork, &record)? {
                Step::Keep => return Ok(false),
                Step::Move(class) => {
                    if let Version::Object(object) = &mut record.version {
                        object.traits.storage_class = class;
                        changes.put(&record)?;
                    }
                }
                Step::Expire => {
                    drop(versions::delete_version(view, changes, bucket, &key.1, record.version.id(), cx)?);
                }
            }
        }
        Item::Upload(key) => {
            let Some(upload) = view.get::<UploadRecord>(key)? else { return Ok(false) };
            if !clockwork.upload(&upload.key, upload.initiated) {
                return Ok(false);
            }
            abort(changes, &upload, cx.now)?;
        }
    }
    Ok(true)
}

/// What becomes of a version that is not the current object.
fn version_step(view: &View, clockwork: &Clockwork<'_>, record: &VersionRecord) -> Result<Step, S3Error> {
    let (bucket, key, _, order) = record.version.place();
    let newer = || newer_noncurrent(view, bucket, key, order, clockwork.most_kept());
    let is_gone = match (&record.version, record.noncurrent_since) {
        (Version::Object(object), Some(since)) => return Ok(clockwork.noncurrent(object, since, newer()?)),
        // An object is noncurrent once it lies here.
        (Version::Object(_), None) => false,
        (Version::Marker(_), Some(since)) => clockwork.noncurrent_marker(key, since, newer()?),
        (Version::Marker(marker), None) => {
            clockwork.lone_marker(key, marker.last_modified)
                && view.scan::<VersionRecord>(&KeyPrefix::of((bucket, key)), None, 2)?.len() == 1
        }
    };
    Ok(if is_gone { Step::Expire } else { Step::Keep })
}

/// How many noncurrent versions of a key are newer than that of this order, counted up to `enough`.
fn newer_noncurrent(view: &View, bucket: &str, key: &str, order: u64, enough: usize) -> Result<usize, S3Error> {
    if enough == 0 {
        return Ok(0);
    }
    // One more than is counted, as the newest may be a delete marker that is current.
    let newest = view.scan::<VersionRecord>(&KeyPrefix::of((bucket, key)), None, enough + 1)?;
    let is_newer = |record: &&VersionRecord| record.noncurrent_since.is_some() && record.version.place().3 > order;
    Ok(newest.iter().filter(is_newer).count())
}
