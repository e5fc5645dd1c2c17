//! Walking over what is in a folder, in the order of ids.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::{Shared, failed, shard};
use crate::segments::table::SegmentId;
use crate::{BlobError, BlobId, BlobListed, DiskStats};

/// See [`crate::BlobStore::list`], and [`crate::BlobStore::survey`] if `with_damaged`. Holds the names in one of the 256 folders, and what is in one segment, at a time.
pub(super) fn list(
    shared: &Shared,
    after: Option<BlobId>,
    limit: usize,
    with_damaged: bool,
) -> Result<Vec<BlobListed>, BlobError> {
    let mut listed = Vec::new();
    let first = after.map_or(0, |id| id.as_bytes()[0]);
    for first_byte in first..=u8::MAX {
        let folder = shared.root.join(shard(first_byte));
        for (segment, here) in names(&folder, first_byte, after)? {
            if listed.len() >= limit {
                return Ok(listed);
            }
            let mut found = match here.has_segment {
                true => shared.segments.list(segment, after, with_damaged)?,
                false => Vec::new(),
            };
            for id in here.files {
                let path = folder.join(id.to_string());
                match fs::metadata(&path).and_then(|metadata| metadata.modified()) {
                    Ok(written_at) => found.push(BlobListed { id, written_at }),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(failed("look at", &path)(error)),
                }
            }
            found.sort_unstable_by_key(|blob| blob.id);
            found.dedup_by_key(|blob| blob.id);
            listed.extend(found.into_iter().take(limit - listed.len()));
        }
    }
    Ok(listed)
}

/// The blobs whose ids begin as the number of a segment does.
#[derive(Default)]
struct Here {
    has_segment: bool,
    files: Vec<BlobId>,
}

/// What may be after `after` in one of the 256 folders.
fn names(folder: &Path, first_byte: u8, after: Option<BlobId>) -> Result<BTreeMap<SegmentId, Here>, BlobError> {
    let mut found: BTreeMap<SegmentId, Here> = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
        let name = entry.map_err(failed("list", folder))?.file_name();
        let Some(name) = name.to_str() else { continue };
        if let Some(segment) = SegmentId::of_file_name(name) {
            let is_wanted = after.is_none_or(|after| segment >= SegmentId::of_blob(&after));
            if segment.first_byte() == first_byte && is_wanted {
                found.entry(segment).or_default().has_segment = true;
            }
        } else if let Ok(id) = name.parse::<BlobId>()
            && id.as_bytes()[0] == first_byte
            && after.is_none_or(|after| id > after)
        {
            found.entry(SegmentId::of_blob(&id)).or_default().files.push(id);
        }
    }
    Ok(found)
}

/// See [`crate::BlobStore::stats`].
pub(super) fn stats(shared: &Shared) -> Result<DiskStats, BlobError> {
    let mut stats = DiskStats { folder: shared.root.display().to_string(), ..DiskStats::default() };
    stats.free_bytes = free_bytes(&shared.root)?;
    for first_byte in 0..=u8::MAX {
        let folder = shared.root.join(shard(first_byte));
        for (segment, here) in names(&folder, first_byte, None)? {
            if here.has_segment {
                shared.segments.count(segment, &mut stats)?;
            }
            for id in here.files {
                let path = folder.join(id.to_string());
                match fs::metadata(&path) {
                    Ok(metadata) => {
                        stats.files += 1;
                        stats.file_bytes += metadata.len();
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(failed("look at", &path)(error)),
                }
            }
        }
    }
    Ok(stats)
}

/// How many bytes are free for us where a folder is.
pub(super) fn free_bytes(folder: &Path) -> Result<u64, BlobError> {
    let facts = rustix::fs::statvfs(folder).map_err(|error| failed("look at", folder)(error.into()))?;
    Ok(facts.f_bavail.saturating_mul(facts.f_frsize))
}
