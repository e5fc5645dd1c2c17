//! Every operation there is, called by everybody who may not. The operations come from the generated tables: one that
//! is new is walked over as it is.

use wire::{OperationEntry, Protocol, ServiceShape};

use crate::client::{Answer, Key, Request};
use crate::fixture::{Things, World};
use crate::granted::FREE;
use crate::inputs::{Input, input, inputs_apart};

const SERVICES: [&ServiceShape; 7] = [
    &api::cloudtrail::SERVICE,
    &api::ec2::SERVICE,
    &api::iam::SERVICE,
    &api::organizations::SERVICE,
    &api::s3::SERVICE,
    &api::s3control::SERVICE,
    &api::sts::SERVICE,
];

/// Whoever may call nothing at all.
#[derive(Debug, Clone, Copy)]
enum Nobody {
    Unsigned,
    UnknownKey,
    WrongSecret,
    SuspendedAccount,
    InactiveKey,
    UserWithoutPolicies,
}

const NOBODIES: [Nobody; 6] = [
    Nobody::Unsigned,
    Nobody::UnknownKey,
    Nobody::WrongSecret,
    Nobody::SuspendedAccount,
    Nobody::InactiveKey,
    Nobody::UserWithoutPolicies,
];

/// Failures of one walk, before another region takes over.
const MOST_FAILURES: usize = 500;

/// Every implemented operation.
pub fn operations() -> impl Iterator<Item = (&'static ServiceShape, &'static OperationEntry)> {
    SERVICES.into_iter().flat_map(|service| {
        service.operations.iter().filter(|entry| entry.is_implemented()).map(move |entry| (service, entry))
    })
}

/// What AWS's families of services answer them.
fn refusal(service: &ServiceShape, nobody: Nobody) -> (u16, &'static str) {
    let protocol = service.protocols.first().copied().unwrap();
    match (protocol, nobody) {
        (Protocol::Ec2 | Protocol::Query, Nobody::Unsigned) => (403, "MissingAuthenticationToken"),
        (Protocol::Ec2, Nobody::UserWithoutPolicies) => (403, "UnauthorizedOperation"),
        (Protocol::Ec2, _) => (401, "AuthFailure"),
        (Protocol::Query, Nobody::WrongSecret) => (403, "SignatureDoesNotMatch"),
        (Protocol::Query, Nobody::UserWithoutPolicies) => (403, "AccessDenied"),
        (Protocol::Query, _) => (403, "InvalidClientTokenId"),
        (Protocol::RestXml, Nobody::Unsigned | Nobody::UserWithoutPolicies) => (403, "AccessDenied"),
        (Protocol::RestXml, Nobody::WrongSecret) => (403, "SignatureDoesNotMatch"),
        (Protocol::RestXml, _) => (403, "InvalidAccessKeyId"),
        (Protocol::Json { .. } | Protocol::RestJson | Protocol::Cbor, Nobody::Unsigned) => {
            (400, "MissingAuthenticationTokenException")
        }
        (Protocol::Json { .. } | Protocol::RestJson | Protocol::Cbor, Nobody::WrongSecret) => {
            (400, "InvalidSignatureException")
        }
        (Protocol::Json { .. } | Protocol::RestJson | Protocol::Cbor, Nobody::UserWithoutPolicies) => {
            (400, "AccessDeniedException")
        }
        (Protocol::Json { .. } | Protocol::RestJson | Protocol::Cbor, _) => (400, "UnrecognizedClientException"),
    }
}

async fn call_as(world: &World, service: &ServiceShape, request: Request, nobody: Nobody) -> Answer {
    let unknown = Key { id: "AKIANOBODYHASTHISKEY".to_owned(), secret: world.owner.secret.clone() };
    let wrong = Key { id: world.owner.id.clone(), secret: world.stranger.secret.clone() };
    let key = match nobody {
        Nobody::Unsigned => return request.send(world.address).await,
        Nobody::UnknownKey => &unknown,
        Nobody::WrongSecret => &wrong,
        Nobody::SuspendedAccount => &world.suspended,
        Nobody::InactiveKey => &world.inactive,
        Nobody::UserWithoutPolicies => &world.user,
    };
    request.signed(key, service.signing_name).send(world.address).await
}

/// Tells who may not so key by key, in an answer.
const KEY_BY_KEY: &str = "DeleteObjects";

/// No permission is needed for it.
fn is_for_every_user(entry: &OperationEntry) -> bool {
    FREE.contains(&entry.name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_nothing_is_refused_everything_and_changes_nothing() {
    let mut world = World::new().await;
    let mut things = world.furnish().await;
    let (mut rows, mut blobs) = (world.rows(), world.blob_count().await);
    let (mut walked, mut here) = (0, 0);
    for (service, entry) in operations() {
        // One address may fail only so often before it has to wait.
        if here > MOST_FAILURES {
            assert_eq!(world.blob_count().await, blobs);
            world.stop();
            world = World::new().await;
            things = world.furnish().await;
            (rows, blobs, here) = (world.rows(), world.blob_count().await, 0);
        }
        for nobody in NOBODIES {
            here += 1;
            if entry.is_unsigned {
                // Its proof is in the request; who signs it does not matter.
                continue;
            }
            let Input { request, .. } = input(service, entry, &things);
            let is_head = request.method == "HEAD";
            let answer = call_as(&world, service, request, nobody).await;
            let what = format!("{} by {nobody:?}: {}", entry.name, answer.body);
            if matches!(nobody, Nobody::UserWithoutPolicies) && is_for_every_user(entry) {
                assert!(![401, 403].contains(&answer.status), "{what}");
                continue;
            }
            let (status, code) = refusal(service, nobody);
            let is_key_by_key = entry.name == KEY_BY_KEY && code == "AccessDenied";
            assert_eq!(answer.status, if is_key_by_key { 200 } else { status }, "{what}");
            if is_key_by_key {
                assert!(
                    answer.body.contains("<Code>AccessDenied</Code>") && !answer.body.contains("<Deleted>"),
                    "{what}"
                );
            } else if !is_head {
                assert_eq!(answer.code(), code, "{what}");
            }
            assert!(world.rows() == rows, "{what} changed the store");
            walked += 1;
        }
    }
    assert_eq!(world.blob_count().await, blobs);
    assert!(walked >= 6 * 30, "only {walked} calls: the tables are not what they were");
}

/// Whether an answer names a thing of the owner's that the request did not.
fn leak<'a>(answer: &Answer, sent: &Request, things: &'a Things, world: &'a World) -> Option<&'a str> {
    let sent = format!("{}{}{}", sent.path, sent.query, String::from_utf8_lossy(&sent.body));
    let Things { instance, key_pair, group, vpc, subnet, image: _, account: _ } = things;
    [instance, key_pair, group, vpc, subnet, &world.owner.id, &world.owner.secret]
        .into_iter()
        .map(String::as_str)
        .chain([crate::fixture::BUCKET, crate::fixture::KEY_NAME])
        .find(|text| answer.body.contains(text) && (answer.status < 300 || !sent.contains(text)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_account_reaches_nothing_of_the_owners() {
    let world = World::new().await;
    let things = world.furnish().await;
    let mut naming = 0;
    for (service, entry) in operations() {
        let whole = input(service, entry, &things);
        for Input { request, named } in std::iter::once(whole).chain(inputs_apart(service, entry, &things)) {
            naming += usize::from(!named.is_empty());
            let rows = world.rows();
            let answer = request.clone().signed(&world.stranger, service.signing_name).send(world.address).await;
            let what = format!("{} of {named:?}: {} {}", entry.name, answer.status, answer.body);
            assert_eq!(leak(&answer, &request, &things, &world), None, "{what}");
            assert!(answer.status < 500, "{what}");
            // Without a name of the owner's it is a stranger's own affair.
            if !named.is_empty() {
                assert!(world.rows() == rows, "{what} changed the store");
                assert!(is_refusal(&request, &answer) || is_vain(entry, &answer), "{what}");
            }
        }
    }
    assert!(naming >= 40, "only {naming} requests name a thing of the owner's");
}

/// What is another's is not there, or not for you.
fn is_refusal(request: &Request, answer: &Answer) -> bool {
    let code = answer.code();
    code.ends_with("NotFound")
        || ["AccessDenied", "UnauthorizedOperation", "BucketAlreadyExists"].contains(&code.as_str())
        || (request.method == "HEAD" && answer.status == 403)
}

/// Deleting a key pair that is not there succeeds.
fn is_vain(entry: &OperationEntry, answer: &Answer) -> bool {
    answer.status == 200 && entry.name.starts_with("Delete")
}
