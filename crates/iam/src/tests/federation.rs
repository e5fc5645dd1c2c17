//! Sessions of roles for those who come with a provider's word, and the providers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::iam::{
    AddClientIDToOpenIDConnectProviderRequest, CreateOpenIDConnectProviderRequest, CreateSAMLProviderRequest,
    DeleteOpenIDConnectProviderRequest, GetOpenIDConnectProviderRequest, GetSAMLProviderRequest, IamApi,
    ListOpenIDConnectProviderTagsRequest, ListOpenIDConnectProvidersRequest, ListSAMLProvidersRequest,
    RemoveClientIDFromOpenIDConnectProviderRequest, Tag, TagOpenIDConnectProviderRequest,
    UpdateOpenIDConnectProviderThumbprintRequest,
};
use api::sts::{
    AssumeRoleWithSAMLRequest, AssumeRoleWithWebIdentityRequest, AssumeRoleWithWebIdentityResponse, StsApi,
};
use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use store::Changes;
use wire::ServiceError;

use super::fixture::{Fixture, anonymous, our_account, ours, refusal, theirs};
use crate::{Fetch, FetchError, RoleRecord, SessionRecord, Sts};

const ISSUER: &str = "https://idp.example/a";
const PROVIDER: &str = "arn:aws:iam::111111111111:oidc-provider/idp.example/a";
const ROLE: &str = "arn:aws:iam::111111111111:role/Fed";

/// What a provider publishes, and how often it was asked.
#[derive(Default)]
struct Web {
    pages: Mutex<HashMap<String, Vec<u8>>>,
    asked: Mutex<usize>,
}

impl Web {
    fn publish(&self, issuer: &str, keys: &[&TestKey]) {
        let mut pages = self.pages.lock().unwrap();
        let discovery = json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")});
        pages.insert(format!("{issuer}/.well-known/openid-configuration"), discovery.to_string().into());
        let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
        pages.insert(format!("{issuer}/keys"), json!({ "keys": keys }).to_string().into());
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

#[async_trait]
impl Fetch for Web {
    async fn fetch(&self, url: &str, thumbprints: &[String]) -> Result<Vec<u8>, FetchError> {
        *self.asked.lock().unwrap() += 1;
        if thumbprints.iter().any(|thumbprint| thumbprint.starts_with("bad")) {
            return Err(FetchError::Untrusted);
        }
        let page = self.pages.lock().unwrap().get(url).cloned();
        page.ok_or_else(|| FetchError::Unreachable(url.to_owned()))
    }
}

struct TestKey {
    id: &'static str,
    pair: EcdsaKeyPair,
}

impl TestKey {
    fn new(id: &'static str) -> Self {
        Self { id, pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() }
    }

    fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "kid": self.id, "alg": "ES256", "use": "sig", "x": part(&point[1..33]),
            "y": part(&point[33..])})
    }

    fn sign(&self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "ES256", "kid": self.id})), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// A region with a provider and the role [`ROLE`], which trusts it.
struct World {
    fixture: Fixture,
    sts: Sts,
    web: Arc<Web>,
    key: TestKey,
}

impl World {
    async fn new(condition: &Value) -> Self {
        let fixture = Fixture::new().await;
        let (web, key) = (Arc::<Web>::default(), TestKey::new("one"));
        web.publish(ISSUER, &[&key]);
        let sts = fixture.sts.clone().reaching(web.clone());
        let input = CreateOpenIDConnectProviderRequest {
            url: ISSUER.into(),
            client_id_list: Some(vec!["sts.amazonaws.com".into()]),
            ..CreateOpenIDConnectProviderRequest::default()
        };
        fixture.iam.create_open_id_connect_provider(ours(), input).await.unwrap();
        let actions = json!(["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"]);
        let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions,
            "Principal": {"Federated": PROVIDER}, "Condition": condition}});
        trusting(&fixture, &trust).await;
        Self { fixture, sts, web, key }
    }

    /// Claims of a token that is good now.
    fn claims(&self) -> Value {
        let now = self.fixture.now().as_second();
        json!({"iss": ISSUER, "sub": "repo:a/b", "aud": "sts.amazonaws.com", "iat": now, "exp": now + 300})
    }

    async fn assume(&self, token: String) -> Result<AssumeRoleWithWebIdentityResponse, ServiceError> {
        let input = AssumeRoleWithWebIdentityRequest {
            role_arn: ROLE.into(),
            role_session_name: "build".into(),
            web_identity_token: token,
            ..AssumeRoleWithWebIdentityRequest::default()
        };
        self.sts.assume_role_with_web_identity(anonymous(), input).await
    }
}

async fn trusting(fixture: &Fixture, trust: &Value) {
    let role = RoleRecord {
        account: our_account(),
        name: "Fed".into(),
        path: "/".into(),
        id: "AROAFED".into(),
        created: fixture.now(),
        trust: trust.to_string(),
        description: None,
        max_session: 7200,
        boundary: None,
        tags: Vec::new(),
        linked_service: None,
    };
    let mut changes = Changes::new();
    changes.put(&role).unwrap();
    fixture.store.commit(None, changes).await.unwrap();
}

#[tokio::test]
async fn a_token_of_a_provider_gives_a_session() {
    let world =
        World::new(&json!({"StringEquals": {"idp.example/a:sub": "repo:a/b", "idp.example/a:aud": "sts.amazonaws.com",
        "aws:RequestTag/Team": "blue"}, "StringLike": {"sts:RoleSessionName": "b*"}}))
        .await;
    let mut claims = world.claims();
    claims["https://aws.amazon.com/tags"] =
        json!({"principal_tags": {"Team": ["blue"]}, "transitive_tag_keys": ["Team"]});
    claims["https://aws.amazon.com/source_identity"] = json!("ann");
    let answer = world.assume(world.key.sign(&claims)).await.unwrap();
    assert_eq!(answer.subject_from_web_identity_token.as_deref(), Some("repo:a/b"));
    assert_eq!((answer.audience.as_deref(), answer.provider.as_deref()), (Some("sts.amazonaws.com"), Some(PROVIDER)));
    assert_eq!(answer.assumed_role_user.unwrap().arn, "arn:aws:sts::111111111111:assumed-role/Fed/build");
    let session = world.fixture.get::<SessionRecord>(&answer.credentials.unwrap().access_key_id).unwrap();
    assert_eq!(session.provider.as_deref(), Some(PROVIDER));
    assert_eq!(session.tags, [("Team".to_owned(), "blue".to_owned())]);
    assert_eq!((session.transitive_tags, session.source_identity), (vec!["Team".to_owned()], Some("ann".to_owned())));
    let sub = ("idp.example/a:sub".to_owned(), vec!["repo:a/b".to_owned()]);
    assert!(session.context.contains(&sub), "{:?}", session.context);
}

#[tokio::test]
async fn a_token_that_is_not_as_it_should_be_gives_nothing() {
    let world = World::new(&json!({"StringEquals": {"idp.example/a:sub": "repo:a/b"}})).await;
    let now = world.fixture.now().as_second();
    let cases = [
        (
            "iss",
            json!("https://other.example"),
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account",
        ),
        (
            "iss",
            json!("http://idp.example/a"),
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account",
        ),
        ("iss", Value::Null, "InvalidIdentityToken", "required claim: iss"),
        ("aud", json!("other"), "InvalidIdentityToken", "Incorrect token audience"),
        ("aud", Value::Null, "InvalidIdentityToken", "required claim: aud"),
        ("azp", json!("other"), "InvalidIdentityToken", "Incorrect token audience"),
        ("sub", json!("repo:a/c"), "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
        ("sub", Value::Null, "InvalidIdentityToken", "required claim: sub"),
        ("exp", json!(now), "ExpiredTokenException", "Token expired: current date/time"),
        ("exp", json!("never"), "InvalidIdentityToken", "required claim: exp"),
        ("iat", json!(now + 3600), "InvalidIdentityToken", "not valid yet"),
        ("nbf", json!(now + 3600), "InvalidIdentityToken", "not valid yet"),
    ];
    for (claim, value, code, text) in cases {
        let mut claims = world.claims();
        claims[claim] = value;
        let (found, told) = refusal(world.assume(world.key.sign(&claims)).await);
        assert!(found == code && told.contains(text), "{claim}: {found}: {told}");
    }
    let good = world.key.sign(&world.claims());
    let cut = good.rsplit_once('.').unwrap().0;
    let other = URL_SAFE_NO_PAD.encode(json!({"alg": "ES256", "kid": "one"}).to_string());
    let forged = TestKey::new("one").sign(&world.claims());
    let stranger = TestKey::new("two").sign(&world.claims());
    let swapped = format!("{other}.{}.{}", URL_SAFE_NO_PAD.encode("{}"), good.rsplit('.').next().unwrap());
    for (token, text) in [
        ("opaque".to_owned(), "is not a valid JWT"),
        (format!("{cut}."), "invalid signature"),
        (forged, "invalid signature"),
        (stranger, "Couldn't retrieve verification key"),
        (swapped, "required claim: iss"),
    ] {
        let (code, told) = refusal(world.assume(token).await);
        assert!(code == "InvalidIdentityToken" && told.contains(text), "{told}");
    }
    world.assume(good).await.unwrap();
}

#[tokio::test]
async fn keys_are_kept_and_changed_ones_are_noticed() {
    let world = World::new(&json!({})).await;
    for _ in 0..3 {
        world.assume(world.key.sign(&world.claims())).await.unwrap();
    }
    assert_eq!(world.web.asked(), 2, "the configuration and the keys, once");
    let new = TestKey::new("new");
    world.web.publish(ISSUER, &[&new]);
    world.assume(world.key.sign(&world.claims())).await.unwrap();
    world.assume(new.sign(&world.claims())).await.unwrap();
    assert_eq!(world.web.asked(), 4);
    refusal(world.assume(world.key.sign(&world.claims())).await);
    // Whoever names keys that nobody has does not make us ask more and more.
    let stranger = TestKey::new("stranger");
    for _ in 0..50 {
        refusal(world.assume(stranger.sign(&world.claims())).await);
    }
    assert_eq!(world.web.asked(), 10);
    world.fixture.advance(Duration::from_secs(61));
    world.assume(new.sign(&world.claims())).await.unwrap();
    world.web.pages.lock().unwrap().clear();
    world.fixture.advance(Duration::from_secs(3600));
    for _ in 0..3 {
        let (code, _) = refusal(world.assume(new.sign(&world.claims())).await);
        assert_eq!(code, "IDPCommunicationError");
    }
    assert_eq!(world.web.asked(), 11, "one that does not answer is left alone for a moment");
    world.web.publish(ISSUER, &[&new]);
    world.fixture.advance(Duration::from_secs(2));
    world.assume(new.sign(&world.claims())).await.unwrap();
}

#[tokio::test]
async fn providers_of_tokens_come_change_and_go() {
    let world = World::new(&json!({})).await;
    let iam = &world.fixture.iam;
    let create = |url: &str| CreateOpenIDConnectProviderRequest {
        url: url.into(),
        tags: Some(vec![Tag { key: "Team".into(), value: "blue".into() }]),
        ..CreateOpenIDConnectProviderRequest::default()
    };
    let (code, text) = refusal(iam.create_open_id_connect_provider(ours(), create(ISSUER)).await);
    assert_eq!(
        (code.as_str(), text.as_str()),
        ("EntityAlreadyExists", "Provider with url https://idp.example/a already exists.")
    );
    let (code, _) = refusal(iam.create_open_id_connect_provider(ours(), create("http://idp.example")).await);
    assert_eq!(code, "ValidationError");
    iam.create_open_id_connect_provider(ours(), create("https://b.example")).await.unwrap();
    let b = "arn:aws:iam::111111111111:oidc-provider/b.example";
    let needs = [format!("iam:CreateOpenIDConnectProvider {b}"), format!("iam:TagOpenIDConnectProvider {b}")];
    assert_eq!(world.fixture.needs_text(), needs);
    assert_eq!(world.fixture.context(), ["aws:RequestTag/Team=blue", "aws:TagKeys=Team"]);
    let all = iam.list_open_id_connect_providers(ours(), ListOpenIDConnectProvidersRequest {}).await.unwrap();
    assert_eq!(all.open_id_connect_provider_list.unwrap().len(), 2);
    let all = iam.list_open_id_connect_providers(theirs(), ListOpenIDConnectProvidersRequest {}).await.unwrap();
    assert_eq!(all.open_id_connect_provider_list.unwrap().len(), 0);

    let arn = || PROVIDER.to_owned();
    let get = || GetOpenIDConnectProviderRequest { open_id_connect_provider_arn: arn() };
    refusal(iam.get_open_id_connect_provider(theirs(), get()).await);
    let input =
        AddClientIDToOpenIDConnectProviderRequest { open_id_connect_provider_arn: arn(), client_id: "two".into() };
    iam.add_client_id_to_open_id_connect_provider(ours(), input).await.unwrap();
    let client_id = "sts.amazonaws.com".to_owned();
    let input = RemoveClientIDFromOpenIDConnectProviderRequest { open_id_connect_provider_arn: arn(), client_id };
    iam.remove_client_id_from_open_id_connect_provider(ours(), input).await.unwrap();
    let tags = vec![Tag { key: "Cost".into(), value: "1".into() }];
    let input = TagOpenIDConnectProviderRequest { open_id_connect_provider_arn: arn(), tags: tags.clone() };
    iam.tag_open_id_connect_provider(ours(), input).await.unwrap();
    let found = iam.get_open_id_connect_provider(ours(), get()).await.unwrap();
    assert_eq!((found.url.as_deref(), found.client_id_list), (Some("idp.example/a"), Some(vec!["two".to_owned()])));
    let input = ListOpenIDConnectProviderTagsRequest { open_id_connect_provider_arn: arn(), ..Default::default() };
    assert_eq!(iam.list_open_id_connect_provider_tags(ours(), input).await.unwrap().tags, tags);
    let (_, text) = refusal(world.assume(world.key.sign(&world.claims())).await);
    assert_eq!(text, "Incorrect token audience");
    let mut claims = world.claims();
    claims["aud"] = json!(["one", "two"]);
    world.assume(world.key.sign(&claims)).await.unwrap();

    let bad = "bad0000000000000000000000000000000000000";
    let (open_id_connect_provider_arn, thumbprint_list) = (arn(), vec![bad.to_owned()]);
    let input = UpdateOpenIDConnectProviderThumbprintRequest { open_id_connect_provider_arn, thumbprint_list };
    iam.update_open_id_connect_provider_thumbprint(ours(), input).await.unwrap();
    let (code, text) = refusal(world.assume(world.key.sign(&claims)).await);
    assert!(code == "InvalidIdentityToken" && text.contains("HTTPS certificate"), "{text}");
    let input = DeleteOpenIDConnectProviderRequest { open_id_connect_provider_arn: arn() };
    iam.delete_open_id_connect_provider(ours(), input).await.unwrap();
    let (code, text) = refusal(iam.get_open_id_connect_provider(ours(), get()).await);
    assert_eq!((code.as_str(), text), ("NoSuchEntity", format!("OpenIDConnect Provider not found for arn {PROVIDER}")));
    let (_, text) = refusal(world.assume(world.key.sign(&claims)).await);
    assert!(text.starts_with("No OpenIDConnect provider found"), "{text}");
}

#[tokio::test]
async fn an_assertion_of_a_provider_gives_a_session() {
    let fixture = Fixture::new().await;
    let metadata = include_str!("../../tests/saml/metadata.xml");
    let input = |name: &str, document: &str| CreateSAMLProviderRequest {
        name: name.into(),
        saml_metadata_document: document.into(),
        ..CreateSAMLProviderRequest::default()
    };
    let made = fixture.iam.create_saml_provider(ours(), input("Idp", metadata)).await.unwrap();
    let provider = made.saml_provider_arn.unwrap();
    assert_eq!(provider, "arn:aws:iam::111111111111:saml-provider/Idp");
    assert_eq!(
        refusal(fixture.iam.create_saml_provider(ours(), input("Idp", metadata)).await).0,
        "EntityAlreadyExists"
    );
    let document = "<a/>".repeat(300);
    assert_eq!(refusal(fixture.iam.create_saml_provider(ours(), input("Other", &document)).await).0, "InvalidInput");
    let listed = fixture.iam.list_saml_providers(ours(), ListSAMLProvidersRequest {}).await.unwrap();
    assert_eq!(listed.saml_provider_list.unwrap().len(), 1);
    let found = GetSAMLProviderRequest { saml_provider_arn: provider.clone() };
    let found = fixture.iam.get_saml_provider(ours(), found).await.unwrap();
    assert_eq!(found.saml_metadata_document.as_deref(), Some(metadata));

    let trust = |affiliation: &str| {
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Federated": provider.clone()},
            "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"],
            "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml", "saml:sub_type": "persistent"},
                "ForAnyValue:StringEquals": {"saml:edupersonaffiliation": affiliation}}}})
    };
    trusting(&fixture, &trust("staff")).await;
    let assertion = include_str!("../../tests/saml/rsa-assertion.xml");
    let asked = |role: &str, assertion: &str| AssumeRoleWithSAMLRequest {
        role_arn: role.into(),
        principal_arn: provider.clone(),
        saml_assertion: STANDARD.encode(assertion),
        duration_seconds: Some(7200),
        ..AssumeRoleWithSAMLRequest::default()
    };
    let answer = fixture.sts.assume_role_with_saml(anonymous(), asked(ROLE, assertion)).await.unwrap();
    assert_eq!((answer.subject.as_deref(), answer.subject_type.as_deref()), (Some("ann&co"), Some("persistent")));
    assert_eq!(answer.issuer.as_deref(), Some("https://idp.example/saml"));
    assert_eq!(answer.assumed_role_user.unwrap().arn, "arn:aws:sts::111111111111:assumed-role/Fed/ann@example.com");
    // Python: base64.b64encode(hashlib.sha1(b"https://idp.example/saml111111111111/Idp").digest())
    assert_eq!(answer.name_qualifier.as_deref(), Some("OrQe3q2dY/ZRTFABjw7EGwUoggE="));
    let credentials = answer.credentials.unwrap();
    assert_eq!(credentials.expiration, fixture.now() + Duration::from_secs(2400), "as long as the provider lets in");
    let session = fixture.get::<SessionRecord>(&credentials.access_key_id).unwrap();
    assert_eq!((session.tags, session.source_identity), (vec![("Team".into(), "blue".into())], Some("ann".into())));

    let refused = async |role: &str, assertion: &str| {
        refusal(fixture.sts.assume_role_with_saml(anonymous(), asked(role, assertion)).await)
    };
    let forged = assertion.replace("ann&amp;co", "bob");
    assert_eq!(refused(ROLE, &forged).await, ("InvalidIdentityToken".into(), "Response signature invalid".into()));
    let denied = ("AccessDenied".to_owned(), "Not authorized to perform sts:AssumeRoleWithSAML".to_owned());
    assert_eq!(refused("arn:aws:iam::111111111111:role/Other", assertion).await, denied);
    trusting(&fixture, &trust("student")).await;
    assert_eq!(refused(ROLE, assertion).await, denied);
    trusting(&fixture, &trust("staff")).await;
    fixture.advance(Duration::from_secs(300));
    assert_eq!(refused(ROLE, assertion).await.0, "ExpiredTokenException");
}
