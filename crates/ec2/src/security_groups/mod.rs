//! Security groups and their rules.
//! Not here: the filter itself. [`firewall::firewall_rules`] says what it should let pass; the node's host drops the rest.

mod authorize;
mod create;
mod delete;
mod describe;
mod find;
pub(crate) mod firewall;
mod given;
mod peer;
pub(crate) mod record;
mod revoke;
mod shown;

/// Rules of one group in one direction, counted apart for IPv4 and IPv6.
/// Source: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>.
const MAX_RULES: usize = 60;
/// Groups of one account. Source: as above.
const MAX_GROUPS: usize = 2500;
/// More groups than an account may have.
const ALL: usize = 100_000;

/// Whether a description of a group or a rule has only characters that AWS allows.
fn is_description(text: &str) -> bool {
    text.len() <= 255
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ._-:/()#,@[]+=&;{}!$*".contains(&byte))
}
