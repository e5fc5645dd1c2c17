//! Reading a small blob that the kernel has in memory, without waiting for any disk: so it may be done where nobody may
//! wait, and no other thread need be woken. Whatever is not there, or is not as it should be, is left to the usual way.

use std::fs::File;
use std::io::IoSliceMut;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::{ReadWriteFlags, preadv2};

use super::table::{self, ENTRY, Place, Slot};
use super::{SMALL, Segments, SmallBlob};
use crate::BlobId;

impl Segments {
    /// The blob, verified as ever, if all of it is in memory.
    pub(crate) fn read_warm(&self, id: &BlobId) -> Option<SmallBlob> {
        let place = Place::of(id)?;
        let file = open(&self.path(place.segment))?;
        let mut bytes = [0; ENTRY];
        read(&file, &mut bytes, table::entry_offset(place.number))?;
        let entry = Slot::decode(place.segment, place.number, &bytes).live().filter(|entry| entry.tag == place.tag)?;
        let length = usize::try_from(entry.extent()).ok().filter(|_| entry.length as usize <= SMALL)?;
        let mut extent = vec![0; length];
        read(&file, &mut extent, u64::from(entry.place))?;
        let length = u64::from(entry.length);
        let frames = crate::format::check_extent(id, length, extent.into()).ok()?;
        Some(SmallBlob { length, frames })
    }
}

/// Opens a file if its name is known without looking at the disk.
fn open(path: &Path) -> Option<File> {
    openat2(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::CACHED).ok().map(File::from)
}

/// Fills `bytes` if nothing need be waited for.
fn read(file: &File, bytes: &mut [u8], offset: u64) -> Option<()> {
    let wanted = bytes.len();
    let count = preadv2(file, &mut [IoSliceMut::new(bytes)], offset, ReadWriteFlags::NOWAIT).ok()?;
    (count == wanted).then_some(())
}
