//! What a process that ended at any instant may leave of a segment, and what the next start makes of it.

use std::fs;

use super::table::{DATA, SegmentId};
use super::tests::{eager, put, store, until};
use crate::FolderBlobs;

/// A segment has its name before the first blob is in it.
#[tokio::test]
async fn a_segment_whose_writer_ended_before_its_first_blob_is_removed() {
    let segment = SegmentId(0x7500_0000_0000_0001);
    let head = super::table::head(segment).to_vec();
    // After a failure of the power there may be a name, or a length, and nothing else.
    let cases = [(head.clone(), None), (head, Some(DATA + 100)), (vec![], None), (vec![], Some(DATA + 100))];
    for ((bytes, length), is_named) in cases.iter().flat_map(|case| [(case, true), (case, false)]) {
        let (folder, store) = store(eager());
        drop(store);
        let path = folder.path().join("75").join(segment.file_name());
        fs::write(&path, bytes).unwrap();
        if let Some(length) = length {
            fs::File::options().write(true).open(&path).unwrap().set_len(*length).unwrap();
        }
        let marker = folder.path().join("active").join(segment.to_string());
        if is_named {
            fs::write(&marker, "").unwrap();
        }
        let store = FolderBlobs::open(folder.path(), eager()).unwrap();
        assert!(!marker.exists(), "nobody writes it");
        put(&store, 10, 1).await;
        until("it is removed", || !path.exists()).await;
    }
}

#[tokio::test]
async fn the_name_of_a_segment_that_is_not_there_is_removed() {
    let (folder, store) = store(eager());
    drop(store);
    let marker = folder.path().join("active/7500000000000001");
    fs::write(&marker, "3").unwrap();
    let _store = FolderBlobs::open(folder.path(), eager()).unwrap();
    assert!(!marker.exists());
}

#[tokio::test]
async fn a_segment_of_a_later_version_is_left_alone() {
    let (folder, store) = store(eager());
    drop(store);
    let segment = SegmentId(0x7500_0000_0000_0001);
    let path = folder.path().join("75").join(segment.file_name());
    let mut head = super::table::head(segment);
    head[8] = 99;
    fs::write(&path, head).unwrap();
    let segments = super::Segments::new(folder.path(), &folder.path().join("tmp"));
    assert_eq!(segments.compact(segment, 0).unwrap(), super::compact::Outcome::Nothing);
    assert!(path.exists());
}
