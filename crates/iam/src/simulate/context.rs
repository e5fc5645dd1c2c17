//! The context of a simulated request: what the caller is known by, and the entries that are handed in, which must be of
//! the types that they say.
//! Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ContextEntry.html>.

use std::net::IpAddr;

use api::iam::ContextEntry;
use jiff::Timestamp;
use jiff::civil::Date;
use policy::Context;

use super::gather::Named;
use crate::IamError;
use crate::policies::owner::Owner;

/// Adds the entries, which beat what is known already.
///
/// # Errors
/// `InvalidInput` for an entry without a name, or whose values are not of its type.
pub(super) fn add(context: &mut Context, entries: &[ContextEntry]) -> Result<(), IamError> {
    for entry in entries {
        let Some(name) = entry.context_key_name.clone() else {
            return Err(IamError::InvalidInput("A context entry has no ContextKeyName.".to_owned()));
        };
        let values = entry.context_key_values.clone().unwrap_or_default();
        let of = entry.context_key_type.as_deref().unwrap_or("string");
        let (one, is_list) = of.strip_suffix("List").map_or((of, false), |one| (one, true));
        if !is_list && values.len() > 1 {
            return Err(IamError::InvalidInput(format!("The context key {name} of type {of} takes one value.")));
        }
        if let Some(value) = values.iter().find(|value| !is_of(one, value)) {
            return Err(IamError::InvalidInput(format!("The value {value} of the context key {name} is no {one}.")));
        }
        context.set_all(name, values);
    }
    Ok(())
}

fn is_of(kind: &str, value: &str) -> bool {
    match kind {
        "numeric" => value.parse::<f64>().is_ok_and(f64::is_finite),
        "boolean" => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
        "ip" => {
            let (address, bits) = value.split_once('/').map_or((value, None), |(address, bits)| (address, Some(bits)));
            let most = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
            let address = address.parse::<IpAddr>();
            address
                .is_ok_and(|address| bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most(address))))
        }
        "date" => {
            let is_epoch = value.parse::<i64>().is_ok();
            is_epoch || value.parse::<Timestamp>().is_ok() || value.parse::<Date>().is_ok()
        }
        "binary" => {
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
            value.len().is_multiple_of(4) && value.bytes().all(is_letter)
        }
        _ => true,
    }
}

/// What is known of an entity that asks, without its session.
pub(super) fn of_caller(named: &Named) -> Context {
    let (account, owner) = (&named.account, &named.owner);
    let mut context = Context::new().with("aws:PrincipalAccount", account.as_str());
    let tags = match owner {
        Owner::User(user) => {
            context.set("aws:username", user.name.clone());
            context.set("aws:userid", user.id.clone());
            context.set("aws:PrincipalType", "User");
            user.tags.as_slice()
        }
        Owner::Role(role) => {
            context.set("aws:PrincipalType", "AssumedRole");
            role.tags.as_slice()
        }
        Owner::Group(_) => return Context::new(),
    };
    context.set("aws:PrincipalArn", owner.arn());
    for (key, value) in tags {
        context.set(format!("aws:PrincipalTag/{key}"), value.clone());
    }
    context
}

#[cfg(test)]
mod tests {
    use api::iam::ContextEntry;
    use policy::Context;

    use super::add;

    #[test]
    fn values_are_of_their_types() {
        let check = |of: &str, values: &[&str], is_good: bool| {
            let entry = ContextEntry {
                context_key_name: Some("a:b".to_owned()),
                context_key_values: Some(values.iter().map(|value| (*value).to_owned()).collect()),
                context_key_type: Some(of.to_owned()),
            };
            let mut context = Context::new();
            assert_eq!(add(&mut context, &[entry]).is_ok(), is_good, "{of} {values:?}");
            assert_eq!(context.get("A:B").is_some(), is_good);
        };
        for (of, good, bad) in [
            ("numeric", "-1.5", "one"),
            ("boolean", "True", "yes"),
            ("ip", "203.0.113.0/24", "203.0.113.0/33"),
            ("ip", "2001:db8::1", "203.0.113"),
            ("date", "2026-01-01T00:00:00Z", "yesterday"),
            ("binary", "QmluYXJ5", "QmluY"),
        ] {
            check(of, &[good], true);
            check(of, &[bad], false);
            check(of, &[good, good], false);
            check(&format!("{of}List"), &[good, good], true);
            check(&format!("{of}List"), &[good, bad], false);
        }
        check("string", &["anything"], true);
        check("string", &[], true);
        check("stringList", &["a", "b"], true);
    }
}
