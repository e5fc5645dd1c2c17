//! Finds the record of one request. No index knows request ids, so it reads the files, the newest first, and parses only
//! what names the id.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crate::index::Lane;
use crate::json::json_string;
use crate::segment::list;
use crate::stored::Stored;
use crate::trails::folders;

/// The longest record that is believed.
const MAX_RECORD: u64 = 1 << 20;

/// The record of the request with this id in the trail in `folder`, of whichever process; none if there is none.
///
/// # Errors
/// The kernel's.
pub fn find(folder: &Path, request_id: &str) -> io::Result<Option<Stored>> {
    let wanted = format!("\"requestID\":{}", json_string(request_id));
    let mut segments = Vec::new();
    for one in folders(folder)? {
        for lane in Lane::ALL {
            segments.extend(list(&one.path, lane)?);
        }
    }
    segments.sort_by_key(|segment| (std::cmp::Reverse(segment.day), std::cmp::Reverse(segment.number)));
    for segment in segments {
        let file = match File::open(&segment.path) {
            // Taken away as the oldest, just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened?,
        };
        let (mut reader, mut line) = (BufReader::with_capacity(1 << 20, file), Vec::new());
        loop {
            line.clear();
            if reader.by_ref().take(MAX_RECORD).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let is_named = std::str::from_utf8(&line).is_ok_and(|line| line.contains(&wanted));
            if is_named && let Some(record) = Stored::parse(&line).filter(|record| record.request_id == request_id) {
                return Ok(Some(record));
            }
        }
    }
    Ok(None)
}
