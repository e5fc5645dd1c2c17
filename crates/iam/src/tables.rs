//! The tables of this crate: brought to the present shape when a region starts, and their shapes pinned.

use store::{CommitError, Store};

use crate::organizations::{
    AccountRequestRecord, HandshakeRecord, MemberRecord, OrganizationRecord, ScpRecord, TargetRecord, UnitRecord,
};
use crate::{
    AccessKeyRecord, AccountRecord, AliasRecord, AttachmentRecord, CountRecord, GroupRecord, GuessRecord,
    InlinePolicyRecord, InstanceProfileRecord, KeyUseRecord, MembershipRecord, MessageKeyRecord, OidcProviderRecord,
    PolicyRecord, PolicyVersionRecord, RoleDeletionRecord, RoleRecord, SamlProviderRecord, SessionRecord,
    TrustedRecord, UserRecord,
};

/// Brings the tables of this crate to the shapes and indexes of this program. On a store that has them already
/// it reads one key a table.
///
/// # Errors
/// See [`Store::prepare`].
pub async fn prepare(store: &Store) -> Result<(), CommitError> {
    tokio::try_join!(
        store.prepare::<AccountRecord>(),
        store.prepare::<AccessKeyRecord>(),
        store.prepare::<UserRecord>(),
        store.prepare::<GroupRecord>(),
        store.prepare::<MembershipRecord>(),
        store.prepare::<RoleRecord>(),
        store.prepare::<InstanceProfileRecord>(),
        store.prepare::<PolicyRecord>(),
        store.prepare::<PolicyVersionRecord>(),
        store.prepare::<InlinePolicyRecord>(),
        store.prepare::<AttachmentRecord>(),
        store.prepare::<SessionRecord>(),
        store.prepare::<MessageKeyRecord>(),
        store.prepare::<CountRecord>(),
        store.prepare::<AliasRecord>(),
        store.prepare::<KeyUseRecord>(),
        store.prepare::<GuessRecord>(),
        store.prepare::<TrustedRecord>(),
        store.prepare::<RoleDeletionRecord>(),
        crate::holder::prepare(store),
        store.prepare::<OrganizationRecord>(),
        store.prepare::<MemberRecord>(),
        store.prepare::<UnitRecord>(),
        store.prepare::<ScpRecord>(),
        store.prepare::<TargetRecord>(),
        store.prepare::<HandshakeRecord>(),
        store.prepare::<AccountRequestRecord>(),
        store.prepare::<OidcProviderRecord>(),
        store.prepare::<SamlProviderRecord>(),
        store.prepare::<crate::ServiceUseRecord>(),
        store.prepare::<crate::AccessJobRecord>(),
    )
    .map(drop)
}

#[cfg(test)]
mod tests {
    use ids::AccountId;
    use jiff::Timestamp;
    use store::conformance::check_shapes;

    use crate::organizations::{
        AccountRequestRecord, HandshakeRecord, HandshakeState, MemberRecord, OrganizationRecord, RequestState,
        ScpRecord, TargetRecord, UnitRecord,
    };
    use crate::{
        AccessKeyRecord, AccountRecord, AccountStatus, AliasRecord, AttachmentRecord, CountRecord, GroupRecord,
        GuessRecord, InlinePolicyRecord, InstanceProfileRecord, KeyOwner, KeyStatus, KeyUseRecord, MembershipRecord,
        PolicyRecord, PolicyVersionRecord, RoleDeletionRecord, RoleRecord, SessionHolder, SessionPolicyText,
        SessionRecord, TrustedRecord, UserRecord,
    };

    const SHAPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shapes");

    #[test]
    fn stored_shapes() {
        let created = Timestamp::constant(1_795_248_000, 0);
        let one: AccountId = "111111111111".parse().unwrap();
        let account = AccountRecord { id: one.clone(), name: "root".into(), status: AccountStatus::Active, created };
        let owner = KeyOwner::User { name: "ann".into(), id: "AIDA1".into() };
        let key = AccessKeyRecord {
            id: "AKIA1".into(),
            secret: "secret".into(),
            account: one,
            owner,
            status: KeyStatus::Active,
            created,
        };
        check_shapes(SHAPES, &[(1, account)]);
        check_shapes(SHAPES, &[(1, key)]);
    }

    #[test]
    fn stored_shapes_of_entities() {
        let created = Timestamp::constant(1_795_248_000, 0);
        let account: AccountId = "111111111111".parse().unwrap();
        let tags = vec![("Team".to_owned(), "blue".to_owned())];
        let boundary = Some("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned());
        let user = UserRecord {
            account: account.clone(),
            name: "Ann".into(),
            path: "/a/".into(),
            id: "AIDA1".into(),
            created,
            boundary: boundary.clone(),
            tags: tags.clone(),
        };
        let group = GroupRecord {
            account: account.clone(),
            name: "Devs".into(),
            path: "/".into(),
            id: "AGPA1".into(),
            created,
        };
        let membership = MembershipRecord { account: account.clone(), user: "ann".into(), group: "devs".into() };
        let role = RoleRecord {
            account: account.clone(),
            name: "Ci".into(),
            path: "/".into(),
            id: "AROA1".into(),
            created,
            trust: "{}".into(),
            description: Some("text".into()),
            max_session: 3600,
            boundary,
            tags: tags.clone(),
            linked_service: Some("autoscaling.amazonaws.com".into()),
        };
        let profile = InstanceProfileRecord {
            account: account.clone(),
            name: "Web".into(),
            path: "/".into(),
            id: "AIPA1".into(),
            created,
            role: Some("ci".into()),
            tags,
        };
        check_shapes(SHAPES, &[(1, user)]);
        check_shapes(SHAPES, &[(1, group)]);
        check_shapes(SHAPES, &[(1, membership)]);
        check_shapes(SHAPES, &[(1, role)]);
        let trusted = TrustedRecord {
            account: account.clone(),
            role: "ci".into(),
            principals: vec![("arn:aws:iam::111111111111:user/ann".into(), "AIDA1".into())],
        };
        let deletion = RoleDeletionRecord { account: account.clone(), task: "task/1".into(), deleted: created };
        check_shapes(SHAPES, &[(1, trusted)]);
        check_shapes(SHAPES, &[(1, deletion)]);
        let alias = AliasRecord { alias: "acme".into(), account: account.clone() };
        let used = KeyUseRecord { id: "AKIA1".into(), used: created, service: "s3".into(), region: "us-east-1".into() };
        check_shapes(SHAPES, &[(1, alias)]);
        check_shapes(SHAPES, &[(1, used)]);
        let guesses = GuessRecord { name: "password/AIDA1".into(), wrong: 5, until: created };
        check_shapes(SHAPES, &[(1, guesses)]);
        let count = CountRecord { account, kind: "Users".into(), count: 2 };
        check_shapes(SHAPES, &[(1, profile)]);
        check_shapes(SHAPES, &[(1, count)]);
    }

    #[test]
    fn stored_shapes_of_policies() {
        let created = Timestamp::constant(1_795_248_000, 0);
        let account: AccountId = "111111111111".parse().unwrap();
        let policy = PolicyRecord {
            account: account.clone(),
            name: "P".into(),
            path: "/".into(),
            id: "ANPA1".into(),
            description: Some("text".into()),
            created,
            updated: created,
            default_version: 1,
            last_version: 2,
            tags: vec![("Team".to_owned(), "blue".to_owned())],
        };
        let version = PolicyVersionRecord {
            account: account.clone(),
            policy: "p".into(),
            version: 1,
            document: "{}".into(),
            created,
        };
        let inline = InlinePolicyRecord {
            account: account.clone(),
            owner: "user/ann".into(),
            name: "I".into(),
            document: "{}".into(),
        };
        let attachment =
            AttachmentRecord { account, owner: "user/ann".into(), policy_arn: "arn:aws:iam::aws:policy/P".into() };
        check_shapes(SHAPES, &[(1, policy)]);
        check_shapes(SHAPES, &[(1, version)]);
        check_shapes(SHAPES, &[(1, inline)]);
        check_shapes(SHAPES, &[(1, attachment)]);
    }

    #[test]
    fn stored_shapes_of_organizations() {
        let created = Timestamp::constant(1_795_248_000, 0);
        let account: AccountId = "111111111111".parse().unwrap();
        let tags = vec![("Team".to_owned(), "blue".to_owned())];
        let organization = OrganizationRecord {
            id: "o-1".into(),
            master: account.clone(),
            created,
            has_all_features: true,
            root: "r-1".into(),
            has_service_control: true,
            root_tags: tags.clone(),
        };
        let member = MemberRecord {
            account: account.clone(),
            organization: "o-1".into(),
            parent: "r-1".into(),
            email: "a@example.net".into(),
            is_invited: true,
            joined: created,
            tags: tags.clone(),
        };
        let unit = UnitRecord {
            organization: "o-1".into(),
            id: "ou-1-1".into(),
            parent: "r-1".into(),
            name: "lab".into(),
            tags: tags.clone(),
        };
        let policy = ScpRecord {
            organization: "o-1".into(),
            id: "p-1".into(),
            name: "deny".into(),
            description: "text".into(),
            content: "{}".into(),
            tags: tags.clone(),
        };
        let target = TargetRecord { organization: "o-1".into(), target: "r-1".into(), policy: "p-1".into() };
        let handshake = HandshakeRecord {
            id: "h-1".into(),
            organization: "o-1".into(),
            account: account.clone(),
            notes: Some("text".into()),
            state: HandshakeState::Open,
            requested: created,
            expires: created,
            tags: tags.clone(),
        };
        let request = AccountRequestRecord {
            id: "car-1".into(),
            organization: "o-1".into(),
            account,
            name: "lab".into(),
            email: "a@example.net".into(),
            role: "Access".into(),
            tags,
            state: RequestState::InProgress,
            requested: created,
            completed: None,
        };
        check_shapes(SHAPES, &[(1, organization)]);
        check_shapes(SHAPES, &[(1, member)]);
        check_shapes(SHAPES, &[(1, unit)]);
        check_shapes(SHAPES, &[(1, policy)]);
        check_shapes(SHAPES, &[(1, target)]);
        check_shapes(SHAPES, &[(1, handshake)]);
        check_shapes(SHAPES, &[(1, request)]);
    }

    #[test]
    fn stored_shapes_of_sessions() {
        let issued = Timestamp::constant(1_795_248_000, 0);
        let session = SessionRecord {
            id: "ASIA1".into(),
            secret: "secret".into(),
            token: "token".into(),
            account: "111111111111".parse().unwrap(),
            holder: SessionHolder::Role { id: "AROA1".into(), session: "s".into() },
            issued,
            expires: issued,
            mfa: Some(issued),
            policies: Some(vec![SessionPolicyText::Inline("{}".into()), SessionPolicyText::Managed("arn".into())]),
            tags: vec![("Team".to_owned(), "blue".to_owned())],
            transitive_tags: vec!["Team".into()],
            source_identity: Some("ann".into()),
            provider: Some("accounts.google.com".into()),
            context: vec![("accounts.google.com:sub".into(), vec!["1".into()])],
            instance: Some("arn:aws:ec2:us-east-1:111111111111:instance/i-1".into()),
        };
        check_shapes(SHAPES, &[(1, session)]);
    }

    #[test]
    fn stored_shapes_of_providers() {
        let created = Timestamp::constant(1_795_248_000, 0);
        let account: AccountId = "111111111111".parse().unwrap();
        let tags = vec![("Team".to_owned(), "blue".to_owned())];
        let oidc = crate::OidcProviderRecord {
            account: account.clone(),
            url: "idp.example/a".into(),
            is_plain: false,
            client_ids: vec!["one".into()],
            thumbprints: vec!["00".into()],
            created,
            tags: tags.clone(),
        };
        let saml = crate::SamlProviderRecord {
            account,
            name: "Idp".into(),
            id: "ASPA1".into(),
            metadata: "<a/>".into(),
            entity: "https://idp.example".into(),
            keys: vec![crate::SamlKey { certificate: "AAAA".into() }],
            created,
            valid_until: created,
            tags,
        };
        check_shapes(SHAPES, &[(1, oidc)]);
        check_shapes(SHAPES, &[(1, saml)]);
    }

    /// The words that a golden file, which has but one of each, does not show.
    #[test]
    fn stored_words() {
        let word = |value: serde_json::Value| value.as_str().map(str::to_owned);
        assert_eq!(word(serde_json::to_value(AccountStatus::Suspended).unwrap()).as_deref(), Some("Suspended"));
        assert_eq!(word(serde_json::to_value(KeyStatus::Inactive).unwrap()).as_deref(), Some("Inactive"));
        assert_eq!(word(serde_json::to_value(KeyOwner::Root).unwrap()).as_deref(), Some("Root"));
    }
}
