//! What is kept of a bounded number of things: the ones used lately.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

/// Keeps between `limit` and twice as many of the things used last, in two generations: when the young one is full, it
/// becomes the old one, and what nobody asked for since the last time is forgotten.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    limit: usize,
    kept: RwLock<Generations<K, V>>,
}

#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    /// An empty one.
    pub(super) fn new(limit: usize) -> Self {
        let kept = RwLock::new(Generations { young: HashMap::new(), old: HashMap::new() });
        Self { limit, kept }
    }

    /// What is kept under a key.
    pub(super) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = kept.young.get(key) {
            return Some(value.clone());
        }
        let value = kept.old.get(key)?.clone();
        drop(kept);
        self.put(key.to_owned(), value.clone());
        Some(value)
    }

    /// Keeps something.
    pub(super) fn put(&self, key: K, value: V) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.young.len() >= self.limit && !kept.young.contains_key(&key) {
            kept.old = std::mem::take(&mut kept.young);
        }
        kept.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::Cache;

    #[test]
    fn what_is_used_stays_and_the_rest_is_bounded() {
        let cache = Cache::new(10);
        cache.put("hot".to_owned(), 0);
        for number in 1..1000 {
            cache.put(number.to_string(), number);
            assert_eq!(cache.get("hot"), Some(0), "{number}");
            let kept = cache.kept.read().unwrap();
            assert!(kept.young.len() <= 10 && kept.old.len() <= 10);
        }
        assert_eq!(cache.get("999"), Some(999));
        assert_eq!(cache.get("1"), None);
    }
}
