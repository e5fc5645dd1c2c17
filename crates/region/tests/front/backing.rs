//! A region as what another one keeps its objects' bytes in.

use backing::{BucketBlobs, Place};
use blobs::{BlobError, BlobStore, conformance, format, source_of};

use crate::client::Request;
use crate::fixture::World;

async fn backed(world: &World, staging: &std::path::Path) -> BucketBlobs {
    let place = Place {
        address: format!("http://{}/backing/blobs", world.address).parse().unwrap(),
        region: "us-east-1".into(),
        access_key: world.owner.id.clone(),
        secret: world.owner.secret.clone(),
    };
    assert_eq!(world.s3("PUT", "/backing", "").await.status, 200);
    BucketBlobs::open(place, staging).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_of_another_region_conforms() {
    let (world, staging) = (World::new().await, tempfile::tempdir().unwrap());
    let blobs = backed(&world, staging.path()).await;
    conformance::all(&blobs).await;
    let left = |byte: u8| std::fs::read_dir(staging.path().join(format!("{byte:02x}"))).unwrap().count();
    assert_eq!((0..=u8::MAX).map(left).sum::<usize>(), 0, "nothing stays where uploads are staged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_bucket_changes_is_not_believed() {
    let (world, staging) = (World::new().await, tempfile::tempdir().unwrap());
    let blobs = backed(&world, staging.path()).await;
    let [one, other, short] = [1, 2, 3].map(|seed| conformance::pattern(100_000, seed));
    let put = async |bytes: Vec<u8>| blobs.put(source_of(bytes), u64::MAX, &[]).await.unwrap().id;
    let (one, other, short) = (put(one).await, put(other).await, put(short).await);
    // The one's bytes in the other's place.
    let bytes = bytes::Bytes::from(conformance::pattern(100_000, 1));
    let mut extent = Vec::new();
    format::write_extent(&one, 100_000, &[bytes.slice(..format::FRAME), bytes.slice(format::FRAME..)], &mut extent);
    let swapped = Request::new("PUT", &format!("/backing/blobs/{other}"), "", extent).signed(&world.owner, "s3");
    assert_eq!(swapped.send(world.address).await.status, 200);
    assert!(matches!(blobs.open(&other, None).await, Err(BlobError::Corrupt { .. })));
    assert_eq!(world.s3("PUT", &format!("/backing/blobs/{short}"), "short").await.status, 200);
    assert!(matches!(blobs.open(&short, None).await, Err(BlobError::Corrupt { .. })));
    assert_eq!(conformance::read(&blobs, &one, None).await.unwrap(), conformance::pattern(100_000, 1));
    world.stop();
    world.stopped().await;
    assert!(matches!(blobs.open(&one, None).await, Err(BlobError::Io { .. })), "not one that never was");
    assert!(blobs.put(source_of("lost"), 10, &[]).await.is_err());
}
