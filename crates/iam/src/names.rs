//! Names, paths, unique ids and ARNs of what IAM keeps.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>.

use ids::AccountId;

/// A unique id: four letters that say the kind (`AIDA` for users, `AGPA` for groups, `AROA` for roles, `AIPA` for
/// instance profiles, `ANPA` for managed policies, `ASCA` for server certificates, `APKA` for public keys) and
/// seventeen of base 32.
pub(crate) fn unique_id(prefix: &str, random: [u8; 17]) -> String {
    const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    prefix.chars().chain(random.iter().map(|byte| char::from(BASE32[usize::from(byte & 31)]))).collect()
}

/// The form of a name under which it is looked up: names are unique whatever their case.
pub(crate) fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// The ARN of something of IAM's: `kind` such as `user`, `path` with both of its slashes.
pub(crate) fn arn(account: &AccountId, kind: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:{kind}{path}{name}")
}

#[cfg(test)]
mod tests {
    use super::{arn, unique_id};

    #[test]
    fn they_look_like_those_of_aws() {
        assert_eq!(unique_id("AIDA", [0; 17]), "AIDAAAAAAAAAAAAAAAAAA");
        let account = "123456789012".parse().unwrap();
        assert_eq!(arn(&account, "user", "/", "ann"), "arn:aws:iam::123456789012:user/ann");
        assert_eq!(arn(&account, "role", "/a/b/", "r"), "arn:aws:iam::123456789012:role/a/b/r");
    }
}
