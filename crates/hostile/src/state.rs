//! What is at rest: rows of the store, and the files of blobs. A disk, or whoever had it, may have changed them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use blobs::{BlobError, BlobId, BlobStore, FolderBlobs, FolderLimits, source_of};
use iam::{AccessKeyRecord, AccountRecord};
use s3::{BlobRefRecord, BucketRecord, GarbageRecord, ObjectRecord};
use store::Record;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::input::Input;

/// An input is the number of a table in one byte, then the value of a row.
pub(crate) fn record(bytes: &[u8]) {
    let mut input = Input(bytes);
    match input.byte() % 6 {
        0 => row::<AccessKeyRecord>(input.0),
        1 => row::<AccountRecord>(input.0),
        2 => row::<BucketRecord>(input.0),
        3 => row::<ObjectRecord>(input.0),
        4 => row::<BlobRefRecord>(input.0),
        _ => row::<GarbageRecord>(input.0),
    }
}

/// As [`record`], of EC2's tables.
pub(crate) fn ec2_record(bytes: &[u8]) {
    let mut input = Input(bytes);
    match input.byte() % 9 {
        0 => row::<ec2::records::ImageRecord>(input.0),
        1 => row::<ec2::records::InstanceRecord>(input.0),
        2 => row::<ec2::records::KeyPairRecord>(input.0),
        3 => row::<ec2::records::PrivateAddressRecord>(input.0),
        4 => row::<ec2::records::PublicAddressRecord>(input.0),
        5 => row::<ec2::records::SubnetRecord>(input.0),
        6 => row::<ec2::records::VpcRecord>(input.0),
        7 => row::<ec2::records::SecurityGroupRecord>(input.0),
        _ => row::<ec2::records::TagRecord>(input.0),
    }
}

fn row<R: Record>(value: &[u8]) {
    let Ok(record) = store::decode::<R>(value) else { return };
    let written = store::encode(&record).unwrap_or_else(|error| panic!("{error}"));
    let back: R = store::decode(&written).unwrap_or_else(|error| panic!("{error}"));
    let again = store::encode(&back).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(String::from_utf8_lossy(&written), String::from_utf8_lossy(&again));
    let (key, same) = (store::KeyBuf::from(record.key()), store::KeyBuf::from(back.key()));
    assert_eq!((key, record.index_keys()), (same, back.index_keys()), "the same row has two places");
}

/// A blob of a full frame and a bit, its file, and the file as it was written.
struct Kept {
    _folder: TempDir,
    blobs: FolderBlobs,
    runtime: Runtime,
    id: BlobId,
    data: Vec<u8>,
    file: PathBuf,
    sound: Vec<u8>,
}

/// An input is any number of changes: a place in three bytes (the first bit of which says whether the file ends there)
/// and the bits that are flipped there.
pub(crate) fn blob_file(bytes: &[u8]) {
    static KEPT: OnceLock<std::sync::Mutex<Kept>> = OnceLock::new();
    let kept = KEPT.get_or_init(|| std::sync::Mutex::new(keep().unwrap_or_else(|error| panic!("{error}"))));
    let kept = kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut file = kept.sound.clone();
    for change in bytes.chunks_exact(4) {
        let place = usize::from(change[0] & 0x7f) << 16 | usize::from(change[1]) << 8 | usize::from(change[2]);
        let place = place % kept.sound.len();
        if change[0] & 0x80 != 0 {
            file.truncate(place);
        } else if let Some(byte) = file.get_mut(place) {
            *byte ^= change[3];
        }
    }
    std::fs::write(&kept.file, &file).unwrap_or_else(|error| panic!("{error}"));
    let read = kept.runtime.block_on(async {
        let reader = kept.blobs.open(&kept.id, None).await?;
        reader.collect(1 << 20).await
    });
    // CRC-32C tells up to three flipped bits from none, whatever they are; more of them, nearly always.
    let flipped: u32 = kept.sound.iter().zip(&file).map(|(one, other)| (one ^ other).count_ones()).sum();
    match read {
        Ok(data) => {
            assert!(data == kept.data || flipped > 3, "{flipped} bits were flipped and nobody noticed");
            assert_eq!(file.len(), kept.sound.len(), "a shorter file was taken");
        }
        Err(BlobError::Corrupt { .. } | BlobError::Unsupported { .. }) => assert!(file != kept.sound),
        Err(other) => panic!("{other}"),
    }
}

fn keep() -> Result<Kept, Box<dyn std::error::Error>> {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Small blobs would share a file.
    let blobs = FolderBlobs::open(folder.path(), FolderLimits { small: 0, ..FolderLimits::default() })?;
    let data: Vec<u8> = (0..65_540_u32).map(|number| number.to_le_bytes()[0]).collect();
    let written = runtime.block_on(blobs.put(source_of(data.clone()), 1 << 20, &[]))?;
    let name = written.id.to_string();
    let file = find(folder.path(), &name).ok_or("the blob has no file")?;
    let sound = std::fs::read(&file)?;
    Ok(Kept { _folder: folder, blobs, runtime, id: written.id, data, file, sound })
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() { find(&path, name) } else { (entry.file_name() == name).then_some(path) }
    })
}
