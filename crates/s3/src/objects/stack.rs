//! The versions of one key while a call changes them, once or several times: a view does not see what the call has
//! collected, so what was read and what was changed is kept here until the call is decided.

use std::collections::BTreeMap;

use jiff::Timestamp;
use service::Cx;
use store::{Changes, KeyPrefix, StoreError, View};

use super::record::{Content, NULL_VERSION, ObjectRecord};
use super::versions::{self, DeleteMarker, Deleted, Version, VersionRecord, new_id};
use crate::S3Error;
use crate::buckets::{BucketRecord, Versioning};
use crate::garbage::{drop_content, name_blob};

/// The versions of a key, as far as a call has looked.
pub(crate) struct Stack<'a> {
    view: &'a View,
    bucket: &'a BucketRecord,
    key: String,
    current: Option<ObjectRecord>,
    is_current_changed: bool,
    /// The versions below that were changed, by their order; none for those that are deleted.
    below: BTreeMap<u64, Option<VersionRecord>>,
}

impl<'a> Stack<'a> {
    /// What `key` has in the view.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn of(view: &'a View, bucket: &'a BucketRecord, key: &str) -> Result<Self, StoreError> {
        let current = versions::current(view, &bucket.name, key)?;
        let key = key.to_owned();
        Ok(Self { view, bucket, key, current, is_current_changed: false, below: BTreeMap::new() })
    }

    /// The current object.
    pub(crate) fn current(&self) -> Option<&ObjectRecord> {
        self.current.as_ref()
    }

    /// The object of this version, if it is there and an object.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn object(&self, id: &str) -> Result<Option<ObjectRecord>, StoreError> {
        if let Some(current) = self.current.as_ref().filter(|current| current.version == id) {
            return Ok(Some(current.clone()));
        }
        Ok(match self.by_id(id)?.map(|record| record.version) {
            Some(Version::Object(object)) => Some(*object),
            Some(Version::Marker(_)) | None => None,
        })
    }

    /// Puts `new` on top; its version and order are set here. Gives it as it is stored.
    ///
    /// # Errors
    /// [`S3Error::Reclaimed`], the store's.
    pub(crate) fn put(
        &mut self,
        changes: &mut Changes,
        mut new: ObjectRecord,
        cx: &Cx,
    ) -> Result<ObjectRecord, S3Error> {
        (new.version, new.order) = self.make_room(changes, cx)?;
        if let Content::Blob(blob) = new.content {
            name_blob(self.view, changes, blob, &new.bucket, &new.key)?;
        }
        self.set_current(Some(new.clone()));
        Ok(new)
    }

    /// Deletes the key without naming a version: its object, or by a marker, where there are versions.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn delete(&mut self, changes: &mut Changes, cx: &Cx) -> Result<Deleted, S3Error> {
        if self.bucket.versioning == Versioning::Never {
            if let Some(old) = self.current.take() {
                self.is_current_changed = true;
                drop_content(changes, &old.content, cx.now)?;
            }
            return Ok(Deleted::default());
        }
        let (version, order) = self.make_room(changes, cx)?;
        let marker = DeleteMarker {
            bucket: self.bucket.name.clone(),
            key: self.key.clone(),
            version: version.clone(),
            order,
            last_modified: Timestamp::from_second(cx.now.as_second()).unwrap_or(cx.now),
        };
        self.set_below(VersionRecord { version: Version::Marker(marker), noncurrent_since: None });
        Ok(Deleted { version: Some(version), is_marker: true })
    }

    /// Deletes this version for good; the next one below becomes the current one. That there is none is as good.
    /// Whether a lock keeps it is asked before.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn delete_version(&mut self, changes: &mut Changes, id: &str, cx: &Cx) -> Result<Deleted, S3Error> {
        let deleted = |is_marker| Deleted { version: self.bucket.shown_version(id), is_marker };
        let (as_object, as_marker) = (deleted(false), deleted(true));
        if let Some(current) = self.current.take_if(|current| current.version == id) {
            self.is_current_changed = true;
            drop_content(changes, &current.content, cx.now)?;
            self.promote()?;
            return Ok(as_object);
        }
        let Some(found) = self.by_id(id)? else { return Ok(as_object) };
        self.below.insert(found.version.order(), None);
        if found.noncurrent_since.is_none() {
            self.promote()?;
        }
        match &found.version {
            Version::Object(object) => {
                drop_content(changes, &object.content, cx.now)?;
                Ok(as_object)
            }
            Version::Marker(_) => Ok(as_marker),
        }
    }

    /// Adds the rows that were changed.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn write(self, changes: &mut Changes) -> Result<(), StoreError> {
        match &self.current {
            Some(current) if self.is_current_changed => changes.put(current)?,
            None if self.is_current_changed => {
                changes.delete::<ObjectRecord>(&(self.bucket.name.clone(), self.key.clone()));
            }
            Some(_) | None => {}
        }
        for (order, record) in &self.below {
            match record {
                Some(record) => changes.put(record)?,
                None => {
                    changes.delete::<VersionRecord>(&(self.bucket.name.clone(), self.key.clone(), u64::MAX - order));
                }
            }
        }
        Ok(())
    }

    /// Makes room for a new version on top, and gives its id and order. There is no current object then.
    fn make_room(&mut self, changes: &mut Changes, cx: &Cx) -> Result<(String, u64), S3Error> {
        let versioning = self.bucket.versioning;
        let has_versions = versioning != Versioning::Never;
        let newest = if has_versions { self.newest_below()? } else { None };
        let old = self.current.take();
        self.is_current_changed |= old.is_some();
        let last = old.as_ref().map(|old| old.order).max(newest.as_ref().map(|newest| newest.version.order()));
        let now = u64::try_from(cx.now.as_nanosecond()).unwrap_or_default();
        let order = last.map_or(now, |last| now.max(last + 1));
        if let Some(mut newest) = newest
            && newest.noncurrent_since.is_none()
        {
            newest.noncurrent_since = Some(cx.now);
            self.set_below(newest);
        }
        match old {
            Some(old) if versioning == Versioning::Enabled || has_versions && old.version != NULL_VERSION => {
                let version = Version::Object(Box::new(old));
                self.set_below(VersionRecord { version, noncurrent_since: Some(cx.now) });
            }
            Some(old) => drop_content(changes, &old.content, cx.now)?,
            None => {}
        }
        if versioning == Versioning::Enabled {
            return Ok((new_id(order, cx), order));
        }
        // There is one null version at most.
        if has_versions && let Some(null) = self.by_id(NULL_VERSION)? {
            self.below.insert(null.version.order(), None);
            if let Version::Object(object) = &null.version {
                drop_content(changes, &object.content, cx.now)?;
            }
        }
        Ok((NULL_VERSION.to_owned(), order))
    }

    /// Makes the newest version below the newest of all.
    fn promote(&mut self) -> Result<(), StoreError> {
        let Some(mut newest) = self.newest_below()? else { return Ok(()) };
        match newest.version {
            Version::Object(object) => {
                self.below.insert(object.order, None);
                self.set_current(Some(*object));
            }
            Version::Marker(_) => {
                newest.noncurrent_since = None;
                self.set_below(newest);
            }
        }
        Ok(())
    }

    fn set_current(&mut self, current: Option<ObjectRecord>) {
        self.current = current;
        self.is_current_changed = true;
    }

    fn set_below(&mut self, record: VersionRecord) {
        self.below.insert(record.version.order(), Some(record));
    }

    fn newest_below(&self) -> Result<Option<VersionRecord>, StoreError> {
        let prefix = KeyPrefix::of((&self.bucket.name, &self.key));
        // As many as are changed may come first.
        let stored = self.view.scan::<VersionRecord>(&prefix, None, self.below.len() + 1)?;
        let stored = stored.into_iter().find(|record| !self.is_changed(record));
        let changed = self.below.values().rev().flatten().next().cloned();
        Ok([stored, changed].into_iter().flatten().max_by_key(|record| record.version.order()))
    }

    fn by_id(&self, id: &str) -> Result<Option<VersionRecord>, StoreError> {
        if let Some(changed) = self.below.values().flatten().find(|record| record.version.id() == id) {
            return Ok(Some(changed.clone()));
        }
        let stored = versions::by_id(self.view, &self.bucket.name, &self.key, id)?;
        Ok(stored.filter(|record| !self.is_changed(record)))
    }

    fn is_changed(&self, record: &VersionRecord) -> bool {
        self.below.contains_key(&record.version.order())
    }
}
