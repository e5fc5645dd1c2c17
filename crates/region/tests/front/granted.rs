//! Every operation there is, called by a user and by a role's session with exactly the permissions that it asks for, and
//! with one of them denied on top. What it asks for is learned from its refusals.

use wire::{OperationEntry, ServiceShape};

use crate::client::{Answer, Key, Request};
use crate::fixture::{Things, World};
use crate::identity::{self, Session};
use crate::inputs::{Input, input};
use crate::walk::operations;

/// Most permissions of one call.
const MOST: usize = 20;
/// Nobody needs a permission for them. Sources: the pages of the operations in the API reference of STS.
pub const FREE: [&str; 4] = ["AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetCallerIdentity", "GetSessionToken"];
/// What a root user cannot do, or does to somebody else than a user.
const NOT_OF_ROOT: [&str; 2] = ["AssumeRole", "ChangePassword"];
/// What sessions of roles cannot do, whatever they are allowed.
const NOT_OF_SESSIONS: [&str; 3] = ["ChangePassword", "GetFederationToken", "GetSessionToken"];

/// A permission: an action on a resource.
type Permission = (String, String);

struct Walk {
    world: World,
    things: Things,
    session: Session,
}

impl Walk {
    async fn new() -> Self {
        let world = World::new().await;
        let things = world.furnish().await;
        let session = identity::furnish(&world).await;
        Self { world, things, session }
    }

    async fn send(&self, service: &ServiceShape, request: &Request, key: &Key) -> Answer {
        request.clone().signed(key, service.signing_name).send(self.world.address).await
    }

    async fn as_session(&self, service: &ServiceShape, request: &Request) -> Answer {
        let request = request.clone().with("x-amz-security-token", &self.session.token);
        self.send(service, &request, &self.session.key).await
    }
}

/// A document that allows these, and denies the last of them if that is wanted.
fn document(permissions: &[Permission], is_denied: bool) -> String {
    let statement = |effect: &str, (action, resource): &Permission| {
        format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"}}"#)
    };
    let allowed = permissions.iter().map(|permission| statement("Allow", permission));
    let denied = permissions.last().filter(|_| is_denied).map(|permission| statement("Deny", permission));
    let mut statements: Vec<String> = allowed.chain(denied).collect();
    if statements.is_empty() {
        statements.push(statement("Allow", &("kms:Decrypt".to_owned(), "*".to_owned())));
    }
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

/// The permission that a refusal names; none if it is no refusal.
fn refused(entry: &OperationEntry, things: &Things, answer: &Answer) -> Option<Permission> {
    if answer.status == 403 && answer.body.is_empty() {
        // To a HEAD there is no word of it.
        let (bucket, key) = (crate::fixture::BUCKET, crate::fixture::OBJECT);
        return match entry.name {
            "HeadBucket" => Some(("s3:ListBucket".to_owned(), format!("arn:aws:s3:::{bucket}"))),
            "HeadObject" => Some(("s3:GetObject".to_owned(), format!("arn:aws:s3:::{bucket}/{key}"))),
            other => panic!("{other} says nothing of what it needs ({things:?})"),
        };
    }
    let (_, rest) = answer.body.split_once("is not authorized to perform: ")?;
    let action: String = rest.chars().take_while(|char| char.is_ascii_alphanumeric() || *char == ':').collect();
    let resource = rest[action.len()..].strip_prefix(" on resource: ").unwrap_or("*");
    let resource = resource.trim_start_matches("&quot;").trim_start_matches(['"', '\\']);
    let is_end = |char: char| char.is_whitespace() || "<\"&\\".contains(char);
    let resource = resource.split(is_end).next().filter(|resource| !resource.is_empty()).unwrap_or("*");
    Some((action, resource.to_owned()))
}

/// Who is given permissions.
#[derive(Debug, Clone, Copy)]
enum Walker {
    User,
    Session,
}

impl Walker {
    async fn send(self, walk: &Walk, service: &ServiceShape, request: &Request) -> Answer {
        match self {
            Self::User => walk.send(service, request, &walk.world.user).await,
            Self::Session => walk.as_session(service, request).await,
        }
    }
}

/// Gives a walker who has nothing one permission after the other that a refusal names, until it is not refused; and takes
/// each away again by a denial. Every refusal leaves everything as it was. The actions, and the last answer.
async fn learn(walk: &Walk, service: &ServiceShape, entry: &OperationEntry, walker: Walker) -> (Vec<String>, Answer) {
    let Input { request, .. } = input(service, entry, &walk.things);
    let mut learned: Vec<Permission> = Vec::new();
    loop {
        if let Some(last) = learned.last() {
            identity::allow(&walk.world, &document(&learned, true)).await;
            let rows = walk.world.rows();
            let denied = walker.send(walk, service, &request).await;
            let what = format!("{} by {walker:?}, {last:?} denied: {} {}", entry.name, denied.status, denied.body);
            assert_eq!(refused(entry, &walk.things, &denied).as_ref(), Some(last), "{what}");
            // Of roles STS does not say why.
            let says_so = denied.body.is_empty() || last.0.starts_with("sts:") || denied.body.contains("explicit deny");
            assert!(says_so, "{what}");
            assert!(walk.world.rows() == rows, "{what} changed the store");
        }
        identity::allow(&walk.world, &document(&learned, false)).await;
        let rows = walk.world.rows();
        let answer = walker.send(walk, service, &request).await;
        let what = format!("{} by {walker:?} with {learned:?}: {} {}", entry.name, answer.status, answer.body);
        let Some(permission) = refused(entry, &walk.things, &answer) else {
            assert!(answer.status < 500, "{what}");
            if answer.status >= 300 {
                println!("{what}");
            }
            return (learned.into_iter().map(|(action, _)| action).collect(), answer);
        };
        assert!(walk.world.rows() == rows, "{what} changed the store");
        assert!(!learned.contains(&permission), "{what} is refused although it is allowed");
        learned.push(permission);
        assert!(learned.len() <= MOST, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_the_needed_permissions_are_enough_unless_one_is_denied() {
    let mut walk = Walk::new().await;
    let (mut walked, mut valid) = (0, 0);
    for (service, entry) in operations() {
        let before = walk.world.rows();
        let (learned, answer) = learn(&walk, service, entry, Walker::User).await;
        assert_eq!(learned.is_empty(), FREE.contains(&entry.name), "{} needs {learned:?}", entry.name);
        walk = renewed(walk, &before).await;
        if !NOT_OF_SESSIONS.contains(&entry.name) {
            let before = walk.world.rows();
            let (of_session, _) = learn(&walk, service, entry, Walker::Session).await;
            assert_eq!(of_session, learned, "{}", entry.name);
            walk = renewed(walk, &before).await;
        }
        if !NOT_OF_ROOT.contains(&entry.name) {
            let before = walk.world.rows();
            let Input { request, .. } = input(service, entry, &walk.things);
            let owners = walk.send(service, &request, &walk.world.owner).await;
            let of_owner = (owners.status, owners.code());
            assert_eq!(of_owner, (answer.status, answer.code()), "{}: {} {}", entry.name, owners.body, answer.body);
            walk = renewed(walk, &before).await;
        }
        walked += 1;
        valid += usize::from(answer.status < 300);
    }
    assert!(walked >= 60, "only {walked} operations: the tables are not what they were");
    // A walk of refusals for other reasons proves little.
    assert!(valid * 2 >= walked, "only {valid} of {walked} requests are valid");
}

/// The same walk, or a new one if anything has changed since.
async fn renewed(walk: Walk, before: &[store::Pair]) -> Walk {
    if walk.world.settled(before) {
        return walk;
    }
    walk.world.stop();
    Walk::new().await
}
