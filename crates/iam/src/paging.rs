//! IAM's pages: `MaxItems`, `Marker`, `IsTruncated`.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html>.
//!
//! A marker is sealed for its account, list and filters, and says after which entry the list goes on. So a page costs
//! what its own entries cost, however many come before, and entries that come and go in between shift nothing.

use service::Cx;
use store::{KeyBuf, KeyPrefix, Position, Record, View};

use crate::IamError;

/// Entries of a page if nobody says.
const DEFAULT: i32 = 100;
/// Most entries of a page.
const MAX: i32 = 1000;
/// Most records that one call looks at. A filter that few pass gives short pages rather than slow ones: "IAM might return
/// fewer than the MaxItems number of results, even when there are more results available."
const MAX_EXAMINED: usize = 20_000;
/// Records read at once.
const CHUNK: usize = 500;

/// What was asked for: how many entries, and after which.
pub(crate) struct Page<'a> {
    cx: &'a Cx,
    scope: Vec<&'a str>,
    limit: usize,
    /// What the marker holds: the last entry of the page before.
    after: Option<String>,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    /// Its entries.
    pub items: Vec<T>,
    /// Where the next one begins, if there is one.
    pub marker: Option<String>,
}

impl<T> Listed<T> {
    /// `IsTruncated`.
    pub fn is_truncated(&self) -> Option<bool> {
        Some(self.marker.is_some())
    }

    /// The same page with other entries in it.
    pub fn map<U>(self, entry: impl FnMut(T) -> U) -> Listed<U> {
        Listed { items: self.items.into_iter().map(entry).collect(), marker: self.marker }
    }
}

impl<'a> Page<'a> {
    /// Reads what was asked for. `list` is the operation and `asked` its filters: a marker is good for the same list
    /// alone.
    ///
    /// # Errors
    /// `ValidationError` for a marker that is none of ours.
    pub fn read(
        cx: &'a Cx,
        list: &'a str,
        asked: &[&'a str],
        max_items: Option<i32>,
        marker: Option<&str>,
    ) -> Result<Self, IamError> {
        let scope: Vec<&str> = ["iam", list].into_iter().chain(asked.iter().copied()).collect();
        let after = match marker {
            None => None,
            Some(marker) => {
                let state = cx.pages().open(&scope, marker);
                Some(state.ok_or_else(|| IamError::Validation("Invalid Marker.".to_owned()))?)
            }
        };
        let limit = usize::try_from(max_items.unwrap_or(DEFAULT).clamp(1, MAX)).unwrap_or(1);
        Ok(Self { cx, scope, limit, after })
    }

    /// The records whose keys begin with `parts` and end with one more string, which is what `last` gives; of them those
    /// that `keep` wants.
    ///
    /// # Errors
    /// The store's.
    pub fn scan<R: Record>(
        &self,
        view: &View,
        parts: impl Into<KeyBuf>,
        last: impl Fn(&R) -> String,
        keep: impl Fn(&R) -> bool,
    ) -> Result<Listed<R>, IamError> {
        let parts = parts.into();
        let prefix = KeyPrefix::of(parts.clone());
        self.collect(&last, keep, |after, limit| {
            let after = after.map(|after| Position::after(parts.clone().push(after)));
            Ok(view.scan::<R>(&prefix, after.as_ref(), limit)?)
        })
    }

    /// The records under `entry` in the index `index`; of them those that `keep` wants. `last` gives what tells a record
    /// from others under this entry, and `key` makes the whole key of that.
    ///
    /// # Errors
    /// The store's.
    pub fn of_index<R: Record>(
        &self,
        view: &View,
        index: &str,
        entry: impl Into<KeyBuf>,
        last: impl Fn(&R) -> String,
        key: impl Fn(&str) -> R::Key,
        keep: impl Fn(&R) -> bool,
    ) -> Result<Listed<R>, IamError> {
        let entry = entry.into();
        self.collect(&last, keep, |after, limit| {
            let after = after.map(&key);
            Ok(view.by_index::<R>(index, entry.clone(), after.as_ref(), limit)?)
        })
    }

    /// A list that is at hand, such as that of the tags of a user, in the order of `key`.
    pub fn of_list<T>(&self, mut items: Vec<T>, key: impl Fn(&T) -> String) -> Listed<T> {
        items.sort_by_cached_key(&key);
        if let Some(after) = &self.after {
            items.retain(|item| key(item) > *after);
        }
        self.cut(items, &key)
    }

    /// Several lists, one after the other: `read` gives entries of the list with this number, those after this key only,
    /// as many as asked for unless the list ends there. An entry that is not wanted comes as none.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn in_turn<T>(
        &self,
        lists: usize,
        read: impl Fn(usize, Option<&str>, usize) -> Result<Vec<(String, Option<T>)>, IamError>,
    ) -> Result<Listed<T>, IamError> {
        let state = self.after.as_deref().and_then(|after| after.split_once(':'));
        let (mut list, mut after) = match state {
            Some((list, after)) => (list.parse().unwrap_or(lists), Some(after.to_owned())),
            None => (0, None),
        };
        let (mut items, mut examined) = (Vec::new(), 0);
        while list < lists {
            let limit = (self.limit + 1).saturating_sub(items.len()).clamp(1, CHUNK);
            let chunk = read(list, after.as_deref(), limit)?;
            let is_end = chunk.len() < limit;
            examined += chunk.len();
            after = chunk.last().map(|(key, _)| key.clone()).or(after);
            let wanted = chunk.into_iter().filter_map(|(key, item)| item.map(|item| (format!("{list}:{key}"), item)));
            items.extend(wanted);
            if items.len() > self.limit {
                break;
            }
            if is_end {
                (list, after) = (list + 1, None);
            } else if examined >= MAX_EXAMINED {
                let marker = after.map(|after| self.seal(&format!("{list}:{after}")));
                return Ok(Listed { items: items.into_iter().map(|(_, item)| item).collect(), marker });
            }
        }
        Ok(self.cut(items, &|(state, _): &(String, T)| state.clone()).map(|(_, item)| item))
    }

    /// Reads chunks until the page is full, and one entry more, which tells whether there is another page.
    fn collect<R>(
        &self,
        last: &impl Fn(&R) -> String,
        keep: impl Fn(&R) -> bool,
        mut read: impl FnMut(Option<&str>, usize) -> Result<Vec<R>, IamError>,
    ) -> Result<Listed<R>, IamError> {
        let (mut items, mut examined, mut after) = (Vec::new(), 0, self.after.clone());
        loop {
            let limit = (self.limit + 1).saturating_sub(items.len()).clamp(1, CHUNK);
            let chunk = read(after.as_deref(), limit)?;
            let is_end = chunk.len() < limit;
            examined += chunk.len();
            after = chunk.last().map(last).or(after);
            items.extend(chunk.into_iter().filter(&keep));
            if is_end || items.len() > self.limit {
                return Ok(self.cut(items, last));
            }
            if examined >= MAX_EXAMINED {
                return Ok(Listed { items, marker: after.map(|after| self.seal(&after)) });
            }
        }
    }

    /// The first entries of `items`, and the marker if those are not all.
    fn cut<T>(&self, mut items: Vec<T>, last: &impl Fn(&T) -> String) -> Listed<T> {
        let is_truncated = items.len() > self.limit;
        items.truncate(self.limit);
        let marker = items.last().filter(|_| is_truncated).map(|item| self.seal(&last(item)));
        Listed { items, marker }
    }

    fn seal(&self, state: &str) -> String {
        self.cx.pages().seal(&self.scope, state)
    }
}
