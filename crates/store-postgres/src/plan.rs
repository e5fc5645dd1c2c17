//! What a batch comes to: which of its transactions are refused, and what the others write together.

use std::collections::{BTreeMap, BTreeSet};

use crate::feed::Feed;
use crate::queue::Request;
use crate::schema::SHORT;

/// Parts a batch into the transactions that may be committed together, and those that conflict with what has been
/// committed or with one before them in the batch. Gives the keys that the good ones write as well, in order.
pub(crate) fn sift(feed: &Feed, requests: Vec<Request>) -> (Vec<Request>, Vec<Request>, Vec<Vec<u8>>) {
    let (mut accepted, mut refused, mut written) = (Vec::new(), Vec::new(), BTreeSet::new());
    for request in requests {
        let transaction = &request.transaction;
        if feed.conflicts(transaction) || transaction.reads.touches(&written) {
            refused.push(request);
        } else {
            written.extend(transaction.writes.iter().map(|(key, _)| key.clone()));
            accepted.push(request);
        }
    }
    (accepted, refused, written.into_iter().collect())
}

/// The writes of transactions that are committed together, by the table that they go to.
#[derive(Debug, Default)]
pub(crate) struct Writes<'a> {
    pub(crate) put: Pairs<'a>,
    pub(crate) deleted: Vec<&'a [u8]>,
    pub(crate) put_long: Pairs<'a>,
    /// All long keys that are written: those that get a value lose the one before it first.
    pub(crate) changed_long: Vec<&'a [u8]>,
}

/// Keys, and their values in the same order.
#[derive(Debug, Default)]
pub(crate) struct Pairs<'a> {
    pub(crate) keys: Vec<&'a [u8]>,
    pub(crate) values: Vec<&'a [u8]>,
}

impl<'a> Writes<'a> {
    /// The last write of a key is the only one that counts. In the order of the keys, so that two databases that
    /// receive the same writes lock their rows alike.
    pub(crate) fn of(requests: &'a [Request]) -> Self {
        let all = requests.iter().flat_map(|request| &request.transaction.writes);
        let last: BTreeMap<&[u8], Option<&[u8]>> = all.map(|(key, value)| (key.as_slice(), value.as_deref())).collect();
        let mut writes = Self::default();
        for (key, value) in last {
            let is_long = key.len() > SHORT;
            if is_long {
                writes.changed_long.push(key);
            }
            match value {
                Some(value) => {
                    let pairs = if is_long { &mut writes.put_long } else { &mut writes.put };
                    pairs.keys.push(key);
                    pairs.values.push(value);
                }
                None if is_long => {}
                None => writes.deleted.push(key),
            }
        }
        writes
    }
}
