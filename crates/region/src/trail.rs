//! The audit trail as CloudTrail asks for it.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use audit::{Attribute, Log, Place, Position, Stored};
use cloudtrail::{AttributeKey, Page, Query, Record, Trail};
use jiff::Timestamp;
use tokio::sync::Semaphore;

/// Lookups at one time: they read files, and must not take the disk from everybody else.
const MAX_LOOKUPS: usize = 2;

/// The trail of a region, once it has one.
pub(crate) struct AuditTrail {
    pub(crate) log: OnceLock<Arc<Log>>,
    places: Semaphore,
}

impl Default for AuditTrail {
    fn default() -> Self {
        Self { log: OnceLock::new(), places: Semaphore::new(MAX_LOOKUPS) }
    }
}

#[async_trait]
impl Trail for AuditTrail {
    async fn lookup(&self, query: Query) -> Result<Page, String> {
        let Some(log) = self.log.get() else { return Ok(Page::default()) };
        let from = query.from.as_deref().map(|text| place(text).ok_or("a token of another program")).transpose()?;
        let wanted = audit::Query {
            account: query.account.to_string(),
            attribute: query.attribute.map(|(key, value)| attribute(key, value)),
            since: micros(query.since),
            until: query.until.map_or(u64::MAX, micros),
            limit: query.limit,
            from,
        };
        let _place = self.places.acquire().await.map_err(|error| error.to_string())?;
        // What was answered before this call is found by it.
        log.flush().await;
        let folder = log.folder().to_owned();
        let found = tokio::task::spawn_blocking(move || audit::lookup(&folder, &wanted)).await;
        let found = found.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        Ok(Page { records: found.records.into_iter().map(record).collect(), next: found.next.map(text) })
    }
}

fn micros(time: Timestamp) -> u64 {
    u64::try_from(time.as_microsecond()).unwrap_or(0)
}

fn attribute(key: AttributeKey, value: String) -> Attribute {
    match key {
        AttributeKey::EventId => Attribute::EventId(value),
        AttributeKey::EventName => Attribute::EventName(value),
        AttributeKey::ReadOnly => Attribute::ReadOnly(value == "true"),
        AttributeKey::Username => Attribute::Username(value),
        AttributeKey::ResourceType => Attribute::ResourceType(value),
        AttributeKey::ResourceName => Attribute::ResourceName(value),
        AttributeKey::EventSource => Attribute::EventSource(value),
        AttributeKey::AccessKeyId => Attribute::AccessKeyId(value),
    }
}

fn record(stored: Stored) -> Record {
    let time = i64::try_from(stored.additional_event_data.epoch_micros).unwrap_or(0) / 1_000_000;
    Record {
        event_time: Timestamp::from_second(time).unwrap_or_default(),
        username: stored.username().to_owned(),
        json: stored.json_for_tenants(),
        event_id: stored.event_id,
        event_name: stored.event_name,
        event_source: stored.event_source,
        is_read_only: stored.read_only,
        access_key_id: stored.user_identity.access_key_id,
        resources: stored.additional_event_data.resources,
    }
}

/// A position as text: for each trail its name and four numbers.
fn text(position: Position) -> String {
    let place = |(name, place): (String, Place)| {
        let (changes, reads) = (place.changes, place.reads);
        format!("{name}.{:x}.{:x}.{:x}.{:x}", changes.0, changes.1, reads.0, reads.1)
    };
    position.places.into_iter().map(place).collect::<Vec<_>>().join("/")
}

fn place(text: &str) -> Option<Position> {
    let place = |text: &str| {
        let (name, numbers) = text.split_once('.')?;
        let mut numbers = numbers.split('.').map(|part| u64::from_str_radix(part, 16).ok());
        let mut pair = || Some((numbers.next()??, numbers.next()??));
        let place = Place { changes: pair()?, reads: pair()? };
        numbers.next().is_none().then(|| (name.to_owned(), place))
    };
    Some(Position { places: text.split('/').map(place).collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use audit::{Place, Position};

    use super::{place, text};

    #[test]
    fn a_position_comes_back() {
        let at = |name: &str, changes| (name.to_owned(), Place { changes, reads: (0, u64::MAX) });
        for places in [vec![at("", (u64::MAX, 7))], vec![at("", (1, 2)), at("process-2", (3, 4))]] {
            let position = Position { places };
            assert_eq!(place(&text(position.clone())), Some(position));
        }
        for wrong in ["", "1.2.3.4", "1.2.3.4.5.6", ".1.2.3.x", ".1.2.3.4/", "/.1.2.3.4"] {
            assert_eq!(place(wrong), None, "{wrong}");
        }
    }
}
