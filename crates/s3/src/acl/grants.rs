//! What the list of a bucket or an object gives to a caller.
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#permissions>.

use api::{Caller, Principal};
use policy::Granted;

use super::record::{Acl, Grantee, Permission};

/// The permission of a bucket's list that allows an action.
pub(crate) fn on_bucket(action: &str) -> Option<Permission> {
    match action.strip_prefix("s3:")? {
        "ListBucket" | "ListBucketVersions" | "ListBucketMultipartUploads" => Some(Permission::Read),
        "PutObject" | "DeleteObject" => Some(Permission::Write),
        "GetBucketAcl" => Some(Permission::ReadAcp),
        "PutBucketAcl" => Some(Permission::WriteAcp),
        _ => None,
    }
}

/// The permission of an object's list that allows an action.
pub(crate) fn on_object(action: &str) -> Option<Permission> {
    match action.strip_prefix("s3:")? {
        "GetObject" | "GetObjectVersion" => Some(Permission::Read),
        "GetObjectAcl" | "GetObjectVersionAcl" => Some(Permission::ReadAcp),
        "PutObjectAcl" | "PutObjectVersionAcl" => Some(Permission::WriteAcp),
        _ => None,
    }
}

/// What a list grants a caller. Where public lists are ignored, grants to groups of everyone count for nothing.
pub(crate) fn granted(acl: &Acl, permission: Permission, caller: &Caller, ignores_public: bool) -> Option<Granted> {
    let grants = acl
        .grants
        .iter()
        .filter(|grant| matches!(grant.permission, Permission::FullControl) || grant.permission == permission);
    let mut best = None;
    for grant in grants {
        if ignores_public && grant.grantee.is_public() {
            continue;
        }
        match &grant.grantee {
            Grantee::Everyone => return Some(Granted::ToAll),
            Grantee::Authenticated if caller.account.is_some() => return Some(Granted::ToAll),
            Grantee::Account(account) if caller.account.as_ref() == Some(account) => best = Some(Granted::ToAccount),
            Grantee::LogDelivery if is_service(caller, "logging.s3.amazonaws.com") => return Some(Granted::ToAll),
            Grantee::Ec2 if is_service(caller, "ec2.amazonaws.com") => return Some(Granted::ToAll),
            Grantee::Authenticated | Grantee::Account(_) | Grantee::LogDelivery | Grantee::Ec2 => {}
        }
    }
    best
}

fn is_service(caller: &Caller, name: &str) -> bool {
    matches!(&caller.principal, Principal::Service(service) if *service == name)
}

#[cfg(test)]
mod tests {
    use api::Caller;
    use ids::AccountId;
    use policy::Granted;

    use super::{granted, on_bucket, on_object};
    use crate::acl::{Acl, Grant, Grantee, Permission};

    fn account(id: &str) -> AccountId {
        id.parse().unwrap()
    }

    #[test]
    fn who_is_granted_what() {
        let caller = |id: &str| Caller::root(account(id), "AKIA");
        let (one, other, nobody) = (caller("111111111111"), caller("222222222222"), Caller::ANONYMOUS);
        let check = |grantee: Grantee, permission, asked, caller: &Caller, ignores, expected: Option<Granted>| {
            let acl = Acl { grants: vec![Grant { grantee, permission }] };
            assert_eq!(granted(&acl, asked, caller, ignores), expected, "{acl:?} {asked:?} {caller:?}");
        };
        let to_one = || Grantee::Account(account("111111111111"));
        let (read, write, all) = (Permission::Read, Permission::Write, Permission::FullControl);
        check(to_one(), read, read, &one, true, Some(Granted::ToAccount));
        check(to_one(), all, write, &one, false, Some(Granted::ToAccount));
        check(to_one(), read, write, &one, false, None);
        check(to_one(), all, read, &other, false, None);
        check(to_one(), all, read, &nobody, false, None);
        check(Grantee::Everyone, read, read, &nobody, false, Some(Granted::ToAll));
        check(Grantee::Everyone, read, read, &nobody, true, None);
        check(Grantee::Everyone, read, write, &nobody, false, None);
        check(Grantee::Authenticated, read, read, &nobody, false, None);
        check(Grantee::Authenticated, read, read, &other, false, Some(Granted::ToAll));
        check(Grantee::Authenticated, read, read, &other, true, None);
        check(Grantee::LogDelivery, write, write, &one, false, None);
    }

    #[test]
    fn which_permission_an_action_takes() {
        assert_eq!(on_bucket("s3:ListBucketVersions"), Some(Permission::Read));
        assert_eq!(on_bucket("s3:DeleteObjectVersion"), None);
        assert_eq!(on_bucket("s3:PutBucketPolicy"), None);
        assert_eq!(on_object("s3:GetObjectVersion"), Some(Permission::Read));
        assert_eq!(on_object("s3:GetObjectTagging"), None);
        assert_eq!(on_object("s3:PutObject"), None);
    }
}
