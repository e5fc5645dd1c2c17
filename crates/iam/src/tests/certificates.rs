//! Certificates, SSH keys and service-specific credentials through the service.

use api::iam::{
    CreateServiceSpecificCredentialRequest, DeleteSSHPublicKeyRequest, DeleteServerCertificateRequest,
    DeleteServiceSpecificCredentialRequest, DeleteSigningCertificateRequest, DeleteUserRequest, GetSSHPublicKeyRequest,
    GetServerCertificateRequest, IamApi, ListSSHPublicKeysRequest, ListServerCertificatesRequest,
    ListServiceSpecificCredentialsRequest, ListSigningCertificatesRequest, ResetServiceSpecificCredentialRequest,
    SSHPublicKey, Tag, TagServerCertificateRequest, UpdateSSHPublicKeyRequest, UpdateServerCertificateRequest,
    UpdateServiceSpecificCredentialRequest, UpdateSigningCertificateRequest, UploadSSHPublicKeyRequest,
    UploadServerCertificateRequest, UploadSigningCertificateRequest,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::fixture::{Fixture, ours, refusal, theirs};
use super::passwords::with_user;
use wire::ServiceError;

/// A certificate and its key, and those above it in the chain.
struct Made {
    certificate: String,
    key: String,
    chain: String,
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn make(name: &str) -> Made {
    let mut authority = named("An Authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = named(name).signed_by(&key, &authority).unwrap();
    Made { certificate: certificate.pem(), key: key.serialize_pem(), chain: authority.pem() }
}

async fn upload(fixture: &Fixture, name: &str, made: &Made, chain: Option<&str>) -> Result<(), ServiceError> {
    let input = UploadServerCertificateRequest {
        path: Some("/web/".into()),
        server_certificate_name: name.into(),
        certificate_body: made.certificate.clone(),
        private_key: made.key.clone(),
        certificate_chain: chain.map(str::to_owned),
        tags: Some(vec![Tag { key: "Team".into(), value: "blue".into() }]),
    };
    fixture.iam.upload_server_certificate(ours(), input).await.map(drop)
}

#[tokio::test]
async fn a_server_certificate_comes_with_its_key_and_its_chain() {
    let fixture = Fixture::new().await;
    let (made, other) = (make("a.example"), make("b.example"));
    upload(&fixture, "Web", &made, Some(&made.chain)).await.unwrap();
    assert_eq!(
        fixture.needs_text(),
        [
            "iam:UploadServerCertificate arn:aws:iam::111111111111:server-certificate/web/Web",
            "iam:TagServerCertificate arn:aws:iam::111111111111:server-certificate/web/Web",
        ]
    );
    let check = |outcome: Result<(), ServiceError>, code: &str, text: &str| {
        let (found, message) = refusal(outcome);
        assert_eq!(found, code, "{message}");
        assert!(message.contains(text), "{message}");
    };
    let taken = "The Server Certificate with name WEB already exists.";
    check(upload(&fixture, "WEB", &made, None).await, "EntityAlreadyExists", taken);
    let mixed = Made { key: other.key.clone(), certificate: made.certificate.clone(), chain: String::new() };
    check(upload(&fixture, "x", &mixed, None).await, "KeyPairMismatch", "does not match");
    let no_key = Made { key: "no key".into(), certificate: made.certificate.clone(), chain: String::new() };
    check(upload(&fixture, "x", &no_key, None).await, "MalformedCertificate", "private key");
    let none = Made { certificate: "none".into(), key: made.key.clone(), chain: String::new() };
    check(upload(&fixture, "x", &none, None).await, "MalformedCertificate", "in PEM format");
    let twice = format!("{}{}", made.chain, made.chain);
    upload(&fixture, "x", &made, Some(&twice)).await.unwrap();
    let wrong = "is: 0";
    check(upload(&fixture, "y", &made, Some(&made.certificate)).await, "MalformedCertificate", wrong);
    check(upload(&fixture, "y", &made, Some("none")).await, "MalformedCertificate", "chain");

    let get = |name: &str| GetServerCertificateRequest { server_certificate_name: name.into() };
    let found = fixture.iam.get_server_certificate(ours(), get("web")).await.unwrap().server_certificate;
    assert_eq!(found.certificate_body, made.certificate);
    assert_eq!(found.server_certificate_metadata.arn, "arn:aws:iam::111111111111:server-certificate/web/Web");
    assert!(found.server_certificate_metadata.expiration > Some(fixture.now()));
    assert!(found.server_certificate_metadata.server_certificate_id.starts_with("ASCA"));
    assert!(!format!("{found:?}").contains("PRIVATE KEY"));
    let missing = "The Server Certificate with name web cannot be found.";
    assert_eq!(refusal(fixture.iam.get_server_certificate(theirs(), get("web")).await).1, missing);
}

#[tokio::test]
async fn server_certificates_are_listed_renamed_tagged_and_deleted() {
    let fixture = Fixture::new().await;
    let made = make("a.example");
    for name in ["one", "two", "three"] {
        upload(&fixture, name, &made, None).await.unwrap();
    }
    let names = async |prefix: &str| {
        let input = ListServerCertificatesRequest { path_prefix: Some(prefix.into()), ..Default::default() };
        let listed = fixture.iam.list_server_certificates(ours(), input).await.unwrap();
        let listed = listed.server_certificate_metadata_list;
        listed.into_iter().map(|found| found.server_certificate_name).collect::<Vec<_>>()
    };
    assert_eq!(names("/web/").await, ["one", "three", "two"]);
    assert_eq!(names("/mail/").await, Vec::<String>::new());
    let rename = |old: &str, new: &str| UpdateServerCertificateRequest {
        server_certificate_name: old.into(),
        new_path: Some("/mail/".into()),
        new_server_certificate_name: Some(new.into()),
    };
    assert_eq!(
        refusal(fixture.iam.update_server_certificate(ours(), rename("one", "TWO")).await).0,
        "EntityAlreadyExists"
    );
    fixture.iam.update_server_certificate(ours(), rename("one", "four")).await.unwrap();
    let arn = "arn:aws:iam::111111111111:server-certificate";
    let action = "iam:UpdateServerCertificate";
    assert_eq!(fixture.needs_text(), [format!("{action} {arn}/web/one"), format!("{action} {arn}/mail/four")]);
    assert_eq!(names("/mail/").await, ["four"]);
    let tag = TagServerCertificateRequest {
        server_certificate_name: "four".into(),
        tags: vec![Tag { key: "a".into(), value: "b".into() }],
    };
    fixture.iam.tag_server_certificate(ours(), tag).await.unwrap();
    assert!(fixture.context().contains(&"aws:ResourceTag/Team=blue".to_owned()), "{:?}", fixture.context());
    let delete = || DeleteServerCertificateRequest { server_certificate_name: "four".into() };
    fixture.iam.delete_server_certificate(ours(), delete()).await.unwrap();
    assert_eq!(refusal(fixture.iam.delete_server_certificate(ours(), delete()).await).0, "NoSuchEntity");
    assert_eq!(names("/").await, ["three", "two"]);
}

#[tokio::test]
async fn a_user_has_two_signing_certificates_at_most() {
    let fixture = Fixture::new().await;
    with_user(&fixture, "ann").await;
    let upload = async |body: String| {
        let input = UploadSigningCertificateRequest { user_name: Some("ann".into()), certificate_body: body };
        fixture.iam.upload_signing_certificate(ours(), input).await.map(|uploaded| uploaded.certificate)
    };
    let (one, two, three) = (make("1"), make("2"), make("3"));
    let first = upload(one.certificate.clone()).await.unwrap();
    assert_eq!((first.user_name.as_str(), first.status.as_str(), first.certificate_id.len()), ("ann", "Active", 32));
    assert_eq!(refusal(upload(one.certificate.clone()).await).0, "DuplicateCertificate");
    assert_eq!(refusal(upload(one.key).await).0, "MalformedCertificate");
    let mut old = named("old");
    old.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let old = old.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
    assert_eq!(refusal(upload(old).await).0, "InvalidCertificate");
    upload(two.certificate).await.unwrap();
    let text = "Cannot exceed quota for CertificatesPerUser: 2";
    assert_eq!(refusal(upload(three.certificate).await), ("LimitExceeded".to_owned(), text.to_owned()));

    let update = UpdateSigningCertificateRequest {
        user_name: Some("ann".into()),
        certificate_id: first.certificate_id.clone(),
        status: "Inactive".into(),
    };
    fixture.iam.update_signing_certificate(ours(), update).await.unwrap();
    let list = || fixture.iam.list_signing_certificates(fixture.user("ann"), ListSigningCertificatesRequest::default());
    let listed = list().await.unwrap().certificates;
    assert_eq!(listed.iter().filter(|found| found.status == "Inactive").count(), 1);
    let gone = refusal(fixture.iam.delete_user(ours(), DeleteUserRequest { user_name: "ann".into() }).await);
    assert_eq!(gone.1, "Cannot delete entity, must delete signing certificates first.");
    for found in listed {
        let delete = DeleteSigningCertificateRequest { user_name: None, certificate_id: found.certificate_id };
        fixture.iam.delete_signing_certificate(fixture.user("ann"), delete).await.unwrap();
    }
    assert!(list().await.unwrap().certificates.is_empty());
}

/// A line of `ssh-keygen -t rsa -b 2048`, whose fingerprint is what `ssh-keygen -l -E md5` says of it.
const SSH_KEY: &str = include_str!("ssh_rsa.pub");
const SSH_FINGERPRINT: &str = include_str!("ssh_rsa.md5");

#[tokio::test]
async fn ssh_keys_are_shown_in_both_forms() {
    let fixture = Fixture::new().await;
    with_user(&fixture, "ann").await;
    let upload = async |body: &str| {
        let input = UploadSSHPublicKeyRequest { user_name: "ann".into(), ssh_public_key_body: body.into() };
        fixture.iam.upload_ssh_public_key(ours(), input).await.map(|uploaded| uploaded.ssh_public_key.unwrap())
    };
    let SSHPublicKey { ssh_public_key_id: id, fingerprint, status, .. } = upload(SSH_KEY).await.unwrap();
    assert!(id.starts_with("APKA") && status == "Active");
    assert_eq!(fingerprint, SSH_FINGERPRINT.trim());
    assert_eq!(refusal(upload(SSH_KEY).await).0, "DuplicateSSHPublicKey");
    assert_eq!(refusal(upload("ssh-ed25519 AAAA").await).0, "UnrecognizedPublicKeyEncoding");
    let get = async |encoding: &str| {
        let input = GetSSHPublicKeyRequest {
            user_name: "ann".into(),
            ssh_public_key_id: id.clone(),
            encoding: encoding.into(),
        };
        fixture.iam.get_ssh_public_key(ours(), input).await.unwrap().ssh_public_key.unwrap().ssh_public_key_body
    };
    let fields: Vec<&str> = SSH_KEY.split_whitespace().take(2).collect();
    assert_eq!(get("SSH").await, fields.join(" "));
    assert_eq!(refusal(upload(&get("PEM").await).await).0, "DuplicateSSHPublicKey", "the same key in PEM");
    let update =
        UpdateSSHPublicKeyRequest { user_name: "ann".into(), ssh_public_key_id: id.clone(), status: "Inactive".into() };
    fixture.iam.update_ssh_public_key(ours(), update).await.unwrap();
    let list = || fixture.iam.list_ssh_public_keys(fixture.user("ann"), ListSSHPublicKeysRequest::default());
    assert_eq!(list().await.unwrap().ssh_public_keys.unwrap()[0].status, "Inactive");
    let delete = || DeleteSSHPublicKeyRequest { user_name: "ann".into(), ssh_public_key_id: id.clone() };
    fixture.iam.delete_ssh_public_key(ours(), delete()).await.unwrap();
    assert_eq!(refusal(fixture.iam.delete_ssh_public_key(ours(), delete()).await).0, "NoSuchEntity");
}

#[tokio::test]
async fn service_specific_credentials_are_shown_once() {
    let fixture = Fixture::new().await;
    with_user(&fixture, "ann").await;
    let create = async |service: &str, days: Option<i32>| {
        let input = CreateServiceSpecificCredentialRequest {
            user_name: "ann".into(),
            service_name: service.into(),
            credential_age_days: days,
        };
        let made = fixture.iam.create_service_specific_credential(ours(), input).await;
        made.map(|made| made.service_specific_credential.unwrap())
    };
    let first = create("codecommit.amazonaws.com", None).await.unwrap();
    assert_eq!(first.service_user_name.as_deref(), Some("ann-at-111111111111"));
    assert!(first.service_specific_credential_id.starts_with("ACCA"));
    let second = create("codecommit.amazonaws.com", None).await.unwrap();
    assert_eq!(second.service_user_name.as_deref(), Some("ann+1-at-111111111111"));
    assert_eq!(refusal(create("codecommit.amazonaws.com", None).await).0, "LimitExceeded");
    assert_eq!(refusal(create("s3.amazonaws.com", None).await).0, "NotSupportedService");
    assert_eq!(refusal(create("cassandra.amazonaws.com", Some(1)).await).0, "InvalidInput");
    let key = create("bedrock.amazonaws.com", Some(1)).await.unwrap();
    assert!(key.service_password.is_none() && key.service_credential_secret.unwrap().starts_with("ABSK"));
    assert!(fixture.context().contains(&"iam:ServiceSpecificCredentialAgeDays=1".to_owned()));

    let id = || first.service_specific_credential_id.clone();
    let reset =
        ResetServiceSpecificCredentialRequest { user_name: Some("ann".into()), service_specific_credential_id: id() };
    let renewed = fixture.iam.reset_service_specific_credential(ours(), reset).await.unwrap();
    let renewed = renewed.service_specific_credential.unwrap();
    assert_ne!(renewed.service_password, first.service_password);
    let update = UpdateServiceSpecificCredentialRequest {
        user_name: None,
        service_specific_credential_id: id(),
        status: "Inactive".into(),
    };
    fixture.iam.update_service_specific_credential(fixture.user("ann"), update).await.unwrap();
    fixture.advance(std::time::Duration::from_secs(86_400));
    let list = async |input: ListServiceSpecificCredentialsRequest| {
        let listed = fixture.iam.list_service_specific_credentials(ours(), input).await.unwrap();
        let listed = listed.service_specific_credentials.unwrap();
        let mut shown: Vec<_> = listed.into_iter().map(|it| (it.service_name, it.status, it.user_name)).collect();
        shown.sort();
        shown
    };
    let of = |service: &str, status: &str| (service.to_owned(), status.to_owned(), "ann".to_owned());
    let (bedrock, codecommit) = ("bedrock.amazonaws.com", "codecommit.amazonaws.com");
    let all = [of(bedrock, "Expired"), of(codecommit, "Active"), of(codecommit, "Inactive")];
    let everybody = ListServiceSpecificCredentialsRequest { all_users: Some(true), ..Default::default() };
    assert_eq!(list(everybody).await, all);
    let hers = ListServiceSpecificCredentialsRequest { user_name: Some("ann".into()), ..Default::default() };
    assert_eq!(list(hers.clone()).await, all);
    let some = ListServiceSpecificCredentialsRequest { service_name: Some(bedrock.into()), ..hers };
    assert_eq!(list(some).await, all[..1]);
    let delete = || DeleteServiceSpecificCredentialRequest {
        user_name: Some("ann".into()),
        service_specific_credential_id: id(),
    };
    fixture.iam.delete_service_specific_credential(ours(), delete()).await.unwrap();
    assert_eq!(refusal(fixture.iam.delete_service_specific_credential(ours(), delete()).await).0, "NoSuchEntity");
}

#[test]
fn stored_shapes() {
    use jiff::Timestamp;
    use store::conformance::check_shapes;

    use crate::{
        CredentialReportRecord, ServerCertificateRecord, ServiceCredentialRecord, SigningCertificateRecord,
        SshPublicKeyRecord,
    };

    let account: ids::AccountId = "111111111111".parse().unwrap();
    let time = Timestamp::constant(1_795_248_000, 0);
    let (user, id) = ("AIDA1".to_owned(), "ID1".to_owned());
    let signing = SigningCertificateRecord {
        account: account.clone(),
        user: user.clone(),
        id: id.clone(),
        body: "pem".into(),
        digest: "00".into(),
        is_active: true,
        uploaded: time,
    };
    let server = ServerCertificateRecord {
        account: account.clone(),
        name: "Web".into(),
        path: "/".into(),
        id: "ASCA1".into(),
        body: "pem".into(),
        chain: Some("pem".into()),
        key: "pem".into(),
        uploaded: time,
        expires: time,
        tags: vec![("Team".into(), "blue".into())],
    };
    let ssh = SshPublicKeyRecord {
        account: account.clone(),
        user: user.clone(),
        id: id.clone(),
        blob: "AAAA".into(),
        is_active: true,
        uploaded: time,
    };
    let service = ServiceCredentialRecord {
        account: account.clone(),
        user,
        id,
        service: "codecommit.amazonaws.com".into(),
        name: "ann-at-111111111111".into(),
        digest: "00".into(),
        is_active: true,
        created: time,
        expires: Some(time),
    };
    let report = CredentialReportRecord { account, part: 0, generated: time, bytes: "AAAA".into() };
    let shapes = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shapes");
    check_shapes(shapes, &[(1, signing)]);
    check_shapes(shapes, &[(1, server)]);
    check_shapes(shapes, &[(1, ssh)]);
    check_shapes(shapes, &[(1, service)]);
    check_shapes(shapes, &[(1, report)]);
}
