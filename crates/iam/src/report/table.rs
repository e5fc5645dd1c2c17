//! The rows of a credential report.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>.

use jiff::Timestamp;
use service::Cx;
use store::{KeyPrefix, Position, View};

use crate::certificates::SigningCertificateRecord;
use crate::keys::{AccessKeyRecord, KeyStatus, keys_of, root_keys};
use crate::mfa::has_devices;
use crate::names::folded;
use crate::passwords::{expires, last_used, policy_of, profile_of};
use crate::uses::last_use;
use crate::{AccountRecord, IamError, PasswordPolicyRecord, UserRecord};

const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

/// Nothing to say.
const NONE: &str = "N/A";
/// Users that are read at once.
const CHUNK: usize = 500;

/// The table of an account: the root user, then the users by name.
pub(super) fn of_account(view: &View, cx: &Cx) -> Result<String, IamError> {
    let account = &cx.account;
    let mut lines = vec![HEADER.to_owned()];
    let made = view.get::<AccountRecord>(account)?.map_or(cx.now, |account| account.created);
    let mut root = vec!["<root_account>".to_owned(), format!("arn:aws:iam::{account}:root"), time(made)];
    root.extend(["not_supported", "no_information", "not_supported", "not_supported", "false"].map(str::to_owned));
    root.extend(key_cells(view, root_keys(view, account)?)?);
    root.extend(certificate_cells(&[]));
    lines.push(root.join(","));

    let policy = policy_of(view, account)?;
    let mut after = None;
    loop {
        let users = view.scan::<UserRecord>(&KeyPrefix::of(account.clone()), after.as_ref(), CHUNK)?;
        for user in &users {
            lines.push(row(view, user, policy.as_ref())?);
        }
        let Some(last) = users.last().filter(|_| users.len() == CHUNK) else { return Ok(lines.join("\n")) };
        after = Some(Position::after((account.clone(), folded(&last.name))));
    }
}

fn row(view: &View, user: &UserRecord, policy: Option<&PasswordPolicyRecord>) -> Result<String, IamError> {
    let profile = profile_of(view, user)?;
    // Names and paths have no comma but in names, where IAM allows it.
    let mut cells = vec![quoted(&user.name), quoted(&user.arn()), time(user.created)];
    match &profile {
        None => cells.extend(["false", NONE, NONE, NONE].map(str::to_owned)),
        Some(profile) => {
            let used = last_used(view, user)?.map_or_else(|| "no_information".to_owned(), time);
            let next = expires(policy, profile.changed).map_or_else(|| NONE.to_owned(), time);
            cells.extend(["true".to_owned(), used, time(profile.changed), next]);
        }
    }
    cells.push(has_devices(view, user)?.to_string());
    cells.extend(key_cells(view, keys_of(view, &user.account, &user.id)?)?);
    cells.extend(certificate_cells(&SigningCertificateRecord::of_user(view, user)?));
    Ok(cells.join(","))
}

/// Five cells for each of two keys, the older one first.
fn key_cells(view: &View, mut keys: Vec<AccessKeyRecord>) -> Result<Vec<String>, IamError> {
    keys.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
    let mut cells = Vec::new();
    for at in 0..2 {
        let Some(key) = keys.get(at) else {
            cells.extend(["false", NONE, NONE, NONE, NONE].map(str::to_owned));
            continue;
        };
        cells.extend([(key.status == KeyStatus::Active).to_string(), time(key.created)]);
        match last_use(view, &key.id)? {
            Some(used) => cells.extend([time(used.used), used.region, used.service]),
            None => cells.extend([NONE, NONE, NONE].map(str::to_owned)),
        }
    }
    Ok(cells)
}

/// Two cells for each of two certificates.
fn certificate_cells(certificates: &[SigningCertificateRecord]) -> Vec<String> {
    let cells = |at: usize| match certificates.get(at) {
        Some(certificate) => [certificate.is_active.to_string(), time(certificate.uploaded)],
        None => ["false".to_owned(), NONE.to_owned()],
    };
    [cells(0), cells(1)].concat()
}

/// To the second, with the offset that AWS writes.
fn time(time: Timestamp) -> String {
    let whole = Timestamp::from_second(time.as_second()).unwrap_or(time);
    whole.to_string().replace('Z', "+00:00")
}

/// A cell of text. Source: RFC 4180, section 2.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{HEADER, quoted, time};

    #[test]
    fn cells_are_those_of_aws() {
        assert_eq!(HEADER.split(',').count(), 22);
        assert_eq!(time(jiff::Timestamp::constant(1_795_248_000, 5)), "2026-11-21T08:00:00+00:00");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("=a@b"), "=a@b");
    }
}
