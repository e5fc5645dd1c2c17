//! One page of a bucket's keys, grouped by a delimiter. What lies below a common prefix is skipped by a seek, so that
//! a page costs a number of reads bounded by its size and not by the bucket's.

use store::{KeyPrefix, Position, StoreError, View};

use super::record::ObjectRecord;

/// What a listing asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listing<'a> {
    pub bucket: &'a str,
    pub prefix: &'a str,
    /// Empty for none.
    pub delimiter: &'a str,
    /// Keys and common prefixes up to this one are left out; empty for none.
    pub after: &'a str,
    pub limit: usize,
}

/// A page: keys and common prefixes together number at most the limit.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub objects: Vec<ObjectRecord>,
    pub common_prefixes: Vec<String>,
    /// The last key or common prefix, if more follow.
    pub next: Option<String>,
}

impl Listing<'_> {
    /// Reads the page.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn read(&self, view: &View) -> Result<Page, StoreError> {
        let mut page = Page::default();
        if self.limit == 0 {
            return Ok(page);
        }
        let prefix = KeyPrefix::of_text(self.bucket, self.prefix);
        let mut position = self.start();
        let mut last = None;
        // Small steps while seeks follow each other, large ones through plain keys.
        let mut step = if self.delimiter.is_empty() { self.limit + 1 } else { 2 };
        loop {
            let found = view.scan::<ObjectRecord>(&prefix, position.as_ref(), step)?;
            let is_end = found.len() < step;
            let mut has_sought = false;
            for object in found {
                if page.objects.len() + page.common_prefixes.len() == self.limit {
                    page.next = last;
                    return Ok(page);
                }
                match self.common_prefix(&object.key).map(str::to_owned) {
                    Some(common) => {
                        position = Some(self.past(&common));
                        last = Some(common.clone());
                        page.common_prefixes.push(common);
                        has_sought = true;
                        break;
                    }
                    None => {
                        position = Some(Position::after((self.bucket, &object.key)));
                        last = Some(object.key.clone());
                        page.objects.push(object);
                    }
                }
            }
            if is_end && !has_sought {
                return Ok(page);
            }
            let missing = self.limit + 1 - page.objects.len() - page.common_prefixes.len();
            step = if has_sought { 2 } else { step * 2 }.min(missing);
        }
    }

    fn start(&self) -> Option<Position> {
        // A common prefix is only listed if it is itself greater than the marker, so the one that the marker lies in
        // is over. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html (CommonPrefixes).
        match self.common_prefix(self.after) {
            Some(common) => Some(self.past(common)),
            None if self.after.is_empty() => None,
            None => Some(Position::after((self.bucket, self.after))),
        }
    }

    fn past(&self, common: &str) -> Position {
        Position::after_prefix(&KeyPrefix::of_text(self.bucket, common))
    }

    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        common_prefix(self.prefix, self.delimiter, key)
    }
}

/// The part of `key` up to the first delimiter after the prefix, if there is one.
pub(super) fn common_prefix<'k>(prefix: &str, delimiter: &str, key: &'k str) -> Option<&'k str> {
    if delimiter.is_empty() {
        return None;
    }
    let at = key.strip_prefix(prefix)?.find(delimiter)?;
    Some(&key[..prefix.len() + at + delimiter.len()])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{Strategy, prop, proptest};
    use store::{Changes, Memory, Store, View};

    use super::{Listing, Page};
    use crate::objects::ObjectRecord;
    use crate::tests::object;

    fn view_of<'a>(keys: impl IntoIterator<Item = &'a String>) -> View {
        let store = Store::new(Memory::new());
        let mut changes = Changes::new();
        for key in keys {
            changes.put(&object("bucket", key)).unwrap();
        }
        for neighbour in ["bucke", "bucket-", "bucket0"] {
            changes.put(&object(neighbour, "k")).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(store.commit(None, changes)).unwrap();
        store.view().unwrap()
    }

    fn names(page: &Page) -> Vec<String> {
        let keys = page.objects.iter().map(|object| object.key.clone());
        let mut all: Vec<String> = keys.chain(page.common_prefixes.iter().cloned()).collect();
        all.sort();
        all
    }

    /// All items after the marker, by the definition.
    fn model(keys: &BTreeSet<String>, listing: &Listing<'_>) -> Vec<String> {
        let items: BTreeSet<String> = keys
            .iter()
            .filter(|key| key.starts_with(listing.prefix))
            .map(|key| listing.common_prefix(key).unwrap_or(key).to_owned())
            .filter(|item| item.as_str() > listing.after)
            .collect();
        items.into_iter().collect()
    }

    fn texts() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "/", "//", "é", "\u{10ffff}", "\0", " "]), 0..5)
            .prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn pages_are_those_of_the_model(
            keys in prop::collection::btree_set(texts().prop_filter("a key", |key| !key.is_empty()), 0..40),
            prefix in texts(),
            delimiter in prop::sample::select(vec!["", "/", "//", "a", "é", "b/"]),
            after in texts(),
            limit in 1_usize..7,
        ) {
            let view = view_of(&keys);
            let listing = Listing { bucket: "bucket", prefix: &prefix, delimiter, after: &after, limit };
            let expected = model(&keys, &listing);
            let (mut seen, mut marker) = (Vec::new(), after.clone());
            loop {
                let page = Listing { after: &marker, ..listing }.read(&view).unwrap();
                let items = names(&page);
                assert!(items.len() <= limit);
                assert_eq!(page.next.is_some(), seen.len() + items.len() < expected.len());
                seen.extend(items);
                match page.next {
                    Some(next) => marker = next,
                    None => break,
                }
            }
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn a_common_prefix_costs_one_seek() {
        let keys: Vec<String> = (0..3000).map(|number| format!("dir{}/{number:05}", number / 1000)).collect();
        let view = view_of(&keys);
        let listing = Listing { bucket: "bucket", prefix: "", delimiter: "/", after: "", limit: 1000 };
        let page = listing.read(&view).unwrap();
        assert_eq!(page.common_prefixes, ["dir0/", "dir1/", "dir2/"]);
        assert_eq!(page.next, None);
        let reads = view.reads();
        assert!(reads.contains(&row("dir0/00001")), "the beginning of each prefix is read");
        assert!(!reads.contains(&row("dir1/01500")), "and its middle is not");
    }

    fn row(key: &str) -> Vec<u8> {
        let mut row = store::table_prefix::<ObjectRecord>();
        row.extend(store::KeyBuf::from(("bucket", key)).into_bytes());
        row
    }

    #[test]
    fn nothing_asked_for_is_nothing() {
        let view = view_of(&["a".to_owned()]);
        let page = Listing { bucket: "bucket", prefix: "", delimiter: "", after: "", limit: 0 }.read(&view).unwrap();
        assert!(names(&page).is_empty() && page.next.is_none());
    }
}
