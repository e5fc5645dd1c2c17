//! What the owner has of IAM's: one of each kind, and a role whose session walks.

use iam::{
    AccessKeyRecord, AttachmentRecord, GroupRecord, InlinePolicyRecord, InstanceProfileRecord, KeyOwner,
    MembershipRecord, NewAccessKey, PolicyRecord, PolicyVersionRecord, RoleRecord, SESSION_BYTES, SessionHolder,
    UserRecord, new_session,
};
use ids::AccountId;
use jiff::Timestamp;
use store::Changes;

use crate::client::Key;
use crate::fixture::World;

pub const USER: &str = "walk-user";
pub const GROUP: &str = "walk-group";
pub const ROLE: &str = "walk-role";
pub const PROFILE: &str = "walk-profile";
pub const POLICY: &str = "walk-policy";
pub const INLINE: &str = "walk-inline";
/// The key of [`USER`], which nobody walks with.
pub const ACCESS_KEY: &str = "AKIAWALKUSERWALKUSER";
/// The role whose session walks.
const WALKER: &str = "walker";

/// A policy that allows nothing that is asked for here.
pub const DOCUMENT: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}"#;

/// Lets everybody of the account in, whom their own policies allow it.
pub fn trust(account: &AccountId) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":["sts:AssumeRole","sts:TagSession"]}}]}}"#
    )
}

/// The session of a role, with whose keys it is walked.
#[derive(Debug, Clone)]
pub struct Session {
    pub key: Key,
    pub token: String,
}

/// Gives the owner one of each kind, and a session.
pub async fn furnish(world: &World) -> Session {
    let account = world.account.clone();
    let created = Timestamp::now();
    let mut changes = Changes::new();
    let (path, tags) = (|| "/".to_owned(), Vec::new);
    let user = UserRecord {
        account: account.clone(),
        name: USER.into(),
        path: path(),
        id: "AIDAWALKUSERWALKUSERW".into(),
        created,
        boundary: None,
        tags: tags(),
    };
    let group = GroupRecord {
        account: account.clone(),
        name: GROUP.into(),
        path: path(),
        id: "AGPAWALKGROUPWALKGROU".into(),
        created,
    };
    let role = |name: &str, id: &str| RoleRecord {
        account: account.clone(),
        name: name.to_owned(),
        path: path(),
        id: id.to_owned(),
        created,
        trust: trust(&account),
        description: None,
        max_session: 3600,
        boundary: None,
        tags: tags(),
        linked_service: None,
    };
    let profile = InstanceProfileRecord {
        account: account.clone(),
        name: PROFILE.into(),
        path: path(),
        id: "AIPAWALKPROFILEWALKPR".into(),
        created,
        role: None,
        tags: tags(),
    };
    let policy = PolicyRecord {
        account: account.clone(),
        name: POLICY.into(),
        path: path(),
        id: "ANPAWALKPOLICYWALKPOL".into(),
        description: None,
        created,
        updated: created,
        default_version: 1,
        last_version: 2,
        tags: tags(),
    };
    for version in [1, 2] {
        let (account, policy, document) = (account.clone(), POLICY.to_owned(), DOCUMENT.to_owned());
        changes.put(&PolicyVersionRecord { account, policy, version, document, created }).unwrap();
    }
    for owner in [user.owner(), group.owner(), role(ROLE, "AROA").owner()] {
        let (name, document) = (INLINE.to_owned(), DOCUMENT.to_owned());
        changes.put(&InlinePolicyRecord { account: account.clone(), owner: owner.clone(), name, document }).unwrap();
        changes.put(&AttachmentRecord { account: account.clone(), owner, policy_arn: policy.arn() }).unwrap();
    }
    let membership = MembershipRecord { account: account.clone(), user: USER.into(), group: GROUP.into() };
    let new = NewAccessKey { id: ACCESS_KEY.to_owned(), secret: "nobody walks with it".to_owned() };
    let owner = KeyOwner::User { name: USER.to_owned(), id: user.id.clone() };
    changes.put(&AccessKeyRecord::new(&new, account.clone(), owner, created)).unwrap();
    let walker = role(WALKER, "AROAWALKERWALKERWALKE");
    let holder = SessionHolder::Role { id: walker.id.clone(), session: "walking".into() };
    let session = new_session(&[5; SESSION_BYTES], account.clone(), holder, created, 3600);
    changes.put(&session).unwrap();
    changes.put(&user).unwrap();
    changes.put(&group).unwrap();
    changes.put(&role(ROLE, "AROAWALKROLEWALKROLEW")).unwrap();
    changes.put(&walker).unwrap();
    changes.put(&profile).unwrap();
    changes.put(&policy).unwrap();
    changes.put(&membership).unwrap();
    world.commit(changes).await;
    Session { key: Key { id: session.id, secret: session.secret }, token: session.token }
}

/// Gives the user and the role that walk this policy, in the place of any other.
pub async fn allow(world: &World, document: &str) {
    let mut changes = Changes::new();
    for owner in ["user/ada".to_owned(), format!("role/{WALKER}")] {
        let (account, name, document) = (world.account.clone(), "walk".to_owned(), document.to_owned());
        changes.put(&InlinePolicyRecord { account, owner, name, document }).unwrap();
    }
    world.commit(changes).await;
}
