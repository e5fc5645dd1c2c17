//! Gives up the parts that nothing names any more, a bounded number at a time: those of aborted uploads and of deleted
//! objects, and those that a completion didn't list.

use jiff::{SignedDuration, Timestamp};
use service::Pass;
use store::{Changes, CommitError, KeyPrefix, Position, Record, Store, StoreError, View};

use super::record::{AssemblyRecord, LeaseRecord, PartRecord};
use crate::garbage::{GarbagePartsRecord, drop_blob};

/// How long parts are left alone: whoever has begun to read them has a lease on them before that is over.
const GRACE: SignedDuration = SignedDuration::from_mins(1);
/// Parts or records of one step.
const STEP: usize = 500;
/// Steps of one activation.
const MAX_STEPS: usize = 200;

/// Where the walk over the parts of one upload goes on.
struct Walk {
    garbage: GarbagePartsRecord,
    /// Which parts stay; none for no part.
    kept: Option<AssemblyRecord>,
    after: Option<u32>,
}

/// What one step comes to.
struct Step {
    view: View,
    changes: Changes,
    walk: Walk,
    is_end: bool,
    found: usize,
}

/// Gives up parts, the uploads one after the other. What somebody reads waits.
///
/// # Errors
/// The store's.
pub(crate) async fn take_apart(store: &Store, now: Timestamp, pass: &mut Pass) -> Result<(), StoreError> {
    let mut steps = 0;
    let mut after = None;
    loop {
        let (in_store, from) = (store.clone(), after.take());
        let found = blocking(move || due(&in_store, from.as_ref(), now)).await?;
        pass.examined += found.seen;
        pass.waiting += found.seen - found.due.len();
        for garbage in found.due {
            let mut walk = Some(Walk { garbage, kept: None, after: None });
            while let Some(walking) = walk.take() {
                if steps == MAX_STEPS {
                    pass.waiting += 1;
                    return Ok(());
                }
                steps += 1;
                let in_store = store.clone();
                let step = blocking(move || step(&in_store, walking, now)).await?;
                pass.examined += step.found;
                let count = step.changes.len();
                match store.commit(Some(&step.view), step.changes).await {
                    Ok(_) => pass.changed += count,
                    // The object was deleted meanwhile: the next pass begins anew.
                    Err(CommitError::Conflict) => {
                        pass.waiting += 1;
                        break;
                    }
                    Err(CommitError::Store(error)) => return Err(error),
                }
                walk = (!step.is_end).then_some(step.walk);
            }
        }
        match found.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// Forgets leases that nobody renewed.
///
/// # Errors
/// The store's.
pub(crate) async fn forget_leases(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    let in_store = store.clone();
    let (view, changes) = blocking(move || {
        let view = in_store.view()?;
        let mut changes = Changes::new();
        for lease in view.scan::<LeaseRecord>(&KeyPrefix::all(), None, STEP)? {
            if lease.until < now {
                changes.delete::<LeaseRecord>(&lease.upload);
            }
        }
        Ok((view, changes))
    })
    .await?;
    if changes.is_empty() {
        return Ok(());
    }
    match store.commit(Some(&view), changes).await {
        // One was renewed meanwhile.
        Ok(_) | Err(CommitError::Conflict) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
    }
}

struct Due {
    due: Vec<GarbagePartsRecord>,
    seen: usize,
    next: Option<Position>,
}

/// Some of what is to be given up, and is read by nobody.
fn due(store: &Store, after: Option<&Position>, now: Timestamp) -> Result<Due, StoreError> {
    let view = store.view()?;
    let all = view.scan::<GarbagePartsRecord>(&KeyPrefix::all(), after, STEP)?;
    let seen = all.len();
    let next = if seen < STEP { None } else { all.last().map(|last| Position::after(&last.upload)) };
    let mut due = Vec::new();
    for garbage in all {
        let is_old = now.duration_since(garbage.since) >= GRACE;
        // Spare parts are not read by those who read the object.
        let is_read =
            !garbage.is_of_spares && view.get::<LeaseRecord>(&garbage.upload)?.is_some_and(|lease| lease.until >= now);
        if is_old && !is_read {
            due.push(garbage);
        }
    }
    Ok(Due { due, seen, next })
}

/// The changes that give up some parts of one upload; with the last of them, what tells of it.
fn step(store: &Store, mut walk: Walk, now: Timestamp) -> Result<Step, StoreError> {
    let view = store.view()?;
    let mut changes = Changes::new();
    let upload = walk.garbage.upload.clone();
    if view.get::<GarbagePartsRecord>(&upload)?.as_ref() != Some(&walk.garbage) {
        return Ok(Step { view, changes, walk, is_end: true, found: 0 });
    }
    if walk.garbage.is_of_spares && walk.kept.is_none() {
        walk.kept = view.get::<AssemblyRecord>(&upload)?;
    }
    let after = walk.after.map(|number| Position::after((&upload, number)));
    let parts = view.scan::<PartRecord>(&KeyPrefix::of(&upload), after.as_ref(), STEP)?;
    for part in &parts {
        walk.after = Some(part.number);
        if walk.kept.as_ref().is_some_and(|kept| kept.has(part.number)) {
            continue;
        }
        changes.delete::<PartRecord>(&part.key());
        if let Some(blob) = part.blob {
            drop_blob(&mut changes, blob, now)?;
        }
    }
    let is_end = parts.len() < STEP;
    if is_end {
        changes.delete::<GarbagePartsRecord>(&upload);
        if !walk.garbage.is_of_spares {
            changes.delete::<AssemblyRecord>(&upload);
            changes.delete::<LeaseRecord>(&upload);
        }
    }
    Ok(Step { view, changes, walk, is_end, found: parts.len() })
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(read).await;
    done.map_err(|error| StoreError::Unavailable(error.to_string()))?
}
