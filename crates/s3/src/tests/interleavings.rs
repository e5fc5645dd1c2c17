//! Uploads, deletions and reconciling in random order, at once, and cut off in the middle: no blob is lost, none leaks.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use api::s3::{AbortMultipartUploadRequest, DeleteObjectRequest, S3Api};
use blobs::BlobStore;
use futures_util::future::join_all;
use jiff::SignedDuration;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use store::{KeyPrefix, Record, View};

use super::fixture::{Fixture, get, ours, put};
use crate::uploads::assembly;
use crate::{
    AssemblyRecord, BlobRefRecord, Content, GarbagePartsRecord, GarbageRecord, LeaseRecord, ObjectRecord, PartRecord,
    UploadRecord,
};

const KEYS: [&str; 2] = ["one", "two"];
const BODIES: [&str; 3] = ["", "a", "some more"];

#[derive(Debug, Clone)]
enum Step {
    Begin(usize),
    Part { upload: usize, number: i32, body: usize },
    Complete { upload: usize, number: i32, body: usize },
    Abort(usize),
    Put(usize),
    Delete(usize),
    Reconcile,
}

fn steps() -> impl Strategy<Value = Step> {
    let (upload, number, body) = (0..4_usize, 1..4_i32, 0..BODIES.len());
    prop_oneof![
        2 => (0..KEYS.len()).prop_map(Step::Begin),
        6 => (upload.clone(), number.clone(), body.clone())
            .prop_map(|(upload, number, body)| Step::Part { upload, number, body }),
        3 => (upload.clone(), number, body).prop_map(|(upload, number, body)| Step::Complete { upload, number, body }),
        1 => upload.prop_map(Step::Abort),
        1 => (0..KEYS.len()).prop_map(Step::Put),
        1 => (0..KEYS.len()).prop_map(Step::Delete),
        2 => Just(Step::Reconcile),
    ]
}

/// Polls a future as often as that, and drops it then, as if its process had been killed.
async fn cut<T>(future: impl Future<Output = T>, polls: Option<u8>) -> Option<T> {
    let (mut future, mut polled) = (pin!(future), 0);
    poll_fn(|cx| {
        if polls.is_some_and(|polls| polled >= polls) {
            return Poll::Ready(None);
        }
        polled += 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// The uploads that were begun: key and id, by their numbers.
type Begun = Vec<(&'static str, String)>;

async fn take(fixture: &Fixture, begun: &Begun, step: &Step) -> Option<(&'static str, String)> {
    let of = |upload: usize| begun.get(upload % begun.len().max(1)).cloned();
    match step {
        Step::Begin(key) => return Some((KEYS[*key], fixture.begin(KEYS[*key]).await)),
        Step::Part { upload, number, body } => {
            let (key, id) = of(*upload)?;
            let _ = fixture.part(key, &id, *number, BODIES[*body]).await;
        }
        Step::Complete { upload, number, body } => {
            let (key, id) = of(*upload)?;
            let etag = ["d41d8cd98f00b204e9800998ecf8427e", "0cc175b9c0f1b6a831c399e269772661", "?"][*body];
            let _ = fixture.complete(key, &id, &[(*number, etag)]).await;
        }
        Step::Abort(upload) => {
            let (key, upload_id) = of(*upload)?;
            let input = AbortMultipartUploadRequest {
                bucket: "bucket".to_owned(),
                key: key.to_owned(),
                upload_id,
                ..AbortMultipartUploadRequest::default()
            };
            let _ = fixture.s3.abort_multipart_upload(ours(), input).await;
        }
        Step::Put(key) => drop(fixture.s3.put_object(ours(), put(KEYS[*key], "put")).await),
        Step::Delete(key) => {
            let input = DeleteObjectRequest {
                bucket: "bucket".to_owned(),
                key: KEYS[*key].to_owned(),
                ..DeleteObjectRequest::default()
            };
            let _ = fixture.s3.delete_object(ours(), input).await;
        }
        Step::Reconcile => drop(fixture.reconcile_after(SignedDuration::from_secs(61)).await),
    }
    None
}

fn all<R: Record>(view: &View) -> Vec<R> {
    view.scan::<R>(&KeyPrefix::all(), None, 10_000).unwrap()
}

/// Compares what is named with what there is, once everything that was given up is gone.
async fn check(fixture: &Fixture) {
    let view = fixture.store.view().unwrap();
    let (mut named, mut uploads) = (BTreeSet::new(), BTreeMap::new());
    for upload in all::<UploadRecord>(&view) {
        uploads.insert(upload.id, None);
    }
    for object in all::<ObjectRecord>(&view) {
        match object.content {
            Content::Empty => {}
            Content::Blob(blob) => drop(named.insert(blob)),
            Content::Parts(id) => drop(uploads.insert(id.clone(), Some(assembly(&view, &id).unwrap()))),
        }
    }
    for part in all::<PartRecord>(&view) {
        let kept = uploads.get(&part.upload).unwrap_or_else(|| panic!("{part:?} is of nothing"));
        assert!(kept.as_ref().is_none_or(|kept| kept.has(part.number)), "{part:?} is spare");
        named.extend(part.blob);
    }
    let assembled = uploads.values().filter(|kept| kept.is_some()).count();
    assert_eq!(all::<AssemblyRecord>(&view).len(), assembled);
    assert_eq!((all::<GarbagePartsRecord>(&view), all::<GarbageRecord>(&view)), (vec![], vec![]));
    assert_eq!(all::<LeaseRecord>(&view), []);
    let references: BTreeSet<_> = all::<BlobRefRecord>(&view).into_iter().map(|named| named.blob).collect();
    assert_eq!(references, named, "what is referred to");
    let there = fixture.blobs.list(None, 10_000).await.unwrap();
    assert_eq!(there.into_iter().map(|blob| blob.id).collect::<BTreeSet<_>>(), named, "what is there");
    for key in KEYS {
        if let Ok((output, body)) = fixture.get(get(key)).await {
            assert!(BODIES.contains(&&*String::from_utf8_lossy(&body)) || body == "put", "{body:?}");
            assert_eq!(output.content_length, Some(body.len() as i64));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn blobs_are_those_that_something_names(
        batches in prop::collection::vec(
            prop::collection::vec((steps(), prop::option::weighted(0.2, any::<u8>().prop_map(|polls| polls % 12))), 1..4),
            1..25,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let fixture = Fixture::with_bucket().await;
            let mut begun = Begun::new();
            for batch in &batches {
                let taken = batch.iter().map(|(step, polls)| cut(take(&fixture, &begun, step), *polls));
                let new = join_all(taken).await;
                begun.extend(new.into_iter().flatten().flatten());
            }
            // What was cut off is a leftover after an hour, and an object's parts that were being given up are so now.
            fixture.reconcile_after(SignedDuration::from_hours(3)).await;
            fixture.settle().await;
            check(&fixture).await;
        });
    }
}
