//! What each step of a call costs, one call at a time, in this process: the public functions that a region is made of, on
//! the embedded store, with a watch around the authoriser and around the engine's commit.
//! Not here: HTTP, and calls that wait for each other; `calls` has them.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use api::{Call, Caller};
use async_trait::async_trait;
use bytes::Bytes;
use ec2::{BuiltinImage, Ec2, ImageSource, default_network, register_builtin};
use host::{Assignment, Node, NodeError, Report};
use http::{HeaderMap, HeaderValue};
use iam::{NewAccessKey, PolicyAuthorizer, Sts};
use ids::{AccountId, InstanceId};
use service::{Authorizer, Denied, Directory, Effects, Need, Refusal, RegionFacts, Runner, ZoneFacts};
use store::{BoxFuture, CommitError, Engine, Snapshot, Store, StoreError, Transaction, Version, View, Watch};
use store_sqlite::Sqlite;
use testkit::FixedEffects;
use wire::sigv4::{
    CanonicalRequest, Claim, PathRule, Scope, Signer, SigningKey, sha256_hex, sign_headers, string_to_sign,
};
use wire::{Decoded, Encoded, OperationShape, OperationType, RequestParts, ServiceShape, decode_request};

use crate::Setting;
use crate::load::median;
use crate::table::{Aim, Row, Value};

const NAMES: [&str; 6] = ["decode", "authenticate", "authorise", "apply", "commit", "encode"];
const AMZ_DATE: &str = "20261121T080000Z";

/// Nanoseconds spent in one step.
type Spent = Arc<AtomicU64>;

fn timed<T>(watch: &Spent, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let outcome = work();
    watch.fetch_add(nanos(begun.elapsed()), Ordering::Relaxed);
    outcome
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

struct TimedAuthorizer(Spent, PolicyAuthorizer);

impl Authorizer for TimedAuthorizer {
    fn directory(&self) -> &dyn Directory {
        self.1.directory()
    }

    fn authorize(&self, call: &Call, needs: &[Need], view: &View) -> Result<Vec<Refusal>, Denied> {
        timed(&self.0, || self.1.authorize(call, needs, view))
    }
}

struct TimedEngine(Sqlite, Spent);

impl Engine for TimedEngine {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.0.snapshot()
    }

    fn commit(&self, transaction: Transaction) -> BoxFuture<'static, Result<Version, CommitError>> {
        let (commit, watch) = (self.0.commit(transaction), Arc::clone(&self.1));
        Box::pin(async move {
            let begun = Instant::now();
            let outcome = commit.await;
            watch.fetch_add(nanos(begun.elapsed()), Ordering::Relaxed);
            outcome
        })
    }

    fn watch(&self, prefix: &[u8]) -> Watch {
        self.0.watch(prefix)
    }
}

/// A node that is not there: no call that is measured asks it.
struct NoNode;

#[async_trait]
impl Node for NoNode {
    async fn assign(&self, _: Assignment) -> Result<(), NodeError> {
        Err(NodeError("no node".to_owned()))
    }

    async fn report(&self) -> Result<Report, NodeError> {
        Err(NodeError("no node".to_owned()))
    }

    async fn console(&self, _: &InstanceId) -> Result<Vec<u8>, NodeError> {
        Err(NodeError("no node".to_owned()))
    }

    fn changed(&self) -> tokio::sync::watch::Receiver<u64> {
        tokio::sync::watch::channel(0).1
    }
}

/// The services over a store, and who calls them.
pub(crate) struct Rig {
    ec2: Ec2,
    sts: Sts,
    pub(crate) store: Store,
    pub(crate) account: AccountId,
    /// Who is said to call; the signature is the root user's whoever it is.
    pub(crate) caller: Caller,
    key: NewAccessKey,
    pub(crate) image: String,
    authorising: Spent,
    committing: Spent,
}

/// The steps of three calls.
pub async fn stages(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let folder = setting.scratch();
    let outcome = measure(&folder, if setting.quick { 20 } else { 2000 }, rows).await;
    fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    outcome
}

async fn measure(folder: &Path, count: u32, rows: &mut Vec<Row>) -> Result<()> {
    let rig = Rig::new(folder).await?;
    let launch = format!("&ImageId={}&MinCount=10&MaxCount=10&InstanceType=t3.micro", rig.image);
    let launched = rig.call::<api::ec2::RunInstances>(&launch).await?.1;
    let id = launched.split("<instanceId>").nth(1).and_then(|rest| rest.get(..19)).context("no instance")?.to_owned();
    let identity = rig.series::<api::sts::GetCallerIdentity>(count, |_| String::new());
    push(rows, "GetCallerIdentity", identity.await?);
    push(rows, "DescribeInstances of 10", rig.series::<api::ec2::DescribeInstances>(count, |_| String::new()).await?);
    // A commit waits for the disk: fewer of them do.
    let tag = |number| format!("&ResourceId.1={id}&Tag.1.Key=bench&Tag.1.Value={number}");
    push(rows, "CreateTags", rig.series::<api::ec2::CreateTags>(count / 10 + 1, tag).await?);
    Ok(())
}

fn push(rows: &mut Vec<Row>, action: &str, times: [Duration; 6]) {
    for (name, time) in NAMES.iter().zip(times) {
        let figure = format!("{action}, alone: {name} (median)");
        rows.push(Row { figure, ours: Value::Time(time), peer: None, aim: Aim::None });
    }
}

impl Rig {
    pub(crate) async fn new(folder: &Path) -> Result<Self> {
        let (authorising, committing) = (Spent::default(), Spent::default());
        let engine = TimedEngine(Sqlite::open(folder)?, Arc::clone(&committing));
        let store = Store::new(engine);
        let region = Arc::new(RegionFacts {
            name: "us-east-1".to_owned(),
            zones: vec![ZoneFacts { name: "us-east-1a".to_owned(), id: "use1-az1".to_owned() }],
            endpoint: "localhost:4566".to_owned(),
            public_pool: ([100, 64, 0, 0].into(), 16),
        });
        let effects = Arc::new(FixedEffects::default());
        let account: AccountId = "000000000001".parse().map_err(|_| anyhow!("that is an account's id"))?;
        let mut random = || {
            let mut bytes = [0; 8];
            effects.fill(&mut bytes);
            bytes
        };
        let key = NewAccessKey::from_random([7; 56]);
        let mut changes = iam::create_account(account.clone(), "root", &key, effects.now())?;
        changes.merge(default_network(&account, &region, &mut random)?.0);
        store.commit(None, changes).await?;
        let image = BuiltinImage {
            name: "bench".to_owned(),
            description: String::new(),
            architecture: "x86_64".to_owned(),
            source: ImageSource {
                kernel: None,
                initrd: None,
                command_line: String::new(),
                root: Some("root".into()),
                root_bytes: 1,
            },
        };
        let changes = register_builtin(&store.view()?, &image, effects.now())?;
        store.commit(None, changes).await?;
        let deciding = PolicyAuthorizer::new(&store, effects.clone());
        let authorizer = Arc::new(TimedAuthorizer(Arc::clone(&authorising), deciding));
        let runner = Runner::new(store.clone(), region, effects, authorizer);
        let (ec2, sts) =
            (Ec2::new(runner.clone(), Arc::new(NoNode), Arc::new(iam::Iam::new(runner.clone()))), Sts::new(runner));
        let caller = Caller::root(account.clone(), key.id.clone());
        Ok(Self { ec2, sts, store, account, caller, key, image: image.id().to_string(), authorising, committing })
    }

    async fn dispatch(
        &self,
        operation: &'static OperationShape,
        decoded: Decoded,
    ) -> Result<(&'static ServiceShape, Encoded)> {
        let call = Call {
            caller: self.caller.clone(),
            request_id: "00000000-0000-4000-8000-000000000000".to_owned(),
            source_ip: None,
            is_secure: false,
            user_agent: "bench".to_owned(),
            manner: Arc::default(),
            region: "us-east-1".to_owned(),
            verdicts: api::Verdicts::default(),
        };
        let is_ours = |service: &ServiceShape| service.find(operation.name).is_some();
        if is_ours(&api::sts::SERVICE) {
            return Ok((&api::sts::SERVICE, api::sts::dispatch(&self.sts, operation, call, decoded).await?));
        }
        Ok((&api::ec2::SERVICE, api::ec2::dispatch(&self.ec2, operation, call, decoded).await?))
    }

    /// One call: the times of its steps, and its answer.
    pub(crate) async fn call<O: OperationType>(&self, parameters: &str) -> Result<([Duration; 6], String)> {
        let body = Bytes::from(format!("Action={}&Version=2016-11-15{parameters}", O::SHAPE.name));
        let headers = self.signed(&body)?;

        let begun = Instant::now();
        self.prove(&headers, &body)?;
        let authenticate = begun.elapsed();

        let service =
            if api::sts::SERVICE.find(O::SHAPE.name).is_some() { &api::sts::SERVICE } else { &api::ec2::SERVICE };
        let protocol = *service.protocols.first().context("a service has a protocol")?;
        let begun = Instant::now();
        let parts = RequestParts { body, ..RequestParts::default() };
        let value = decode_request(protocol, O::SHAPE, &parts)?;
        let decode = begun.elapsed();

        let reset = |watch: &Spent| Duration::from_nanos(watch.swap(0, Ordering::Relaxed));
        reset(&self.authorising);
        reset(&self.committing);
        let begun = Instant::now();
        let (service, answer) = self.dispatch(O::SHAPE, Decoded { value, body: None }).await?;
        let all = begun.elapsed();
        let (authorise, commit) = (reset(&self.authorising), reset(&self.committing));

        let begun = Instant::now();
        let encoded = wire::encode_response(protocol, service, O::SHAPE, &answer.value, "id");
        let encode = begun.elapsed();
        let apply = all.saturating_sub(authorise + commit);
        let text = String::from_utf8_lossy(&encoded.body).into_owned();
        Ok(([decode, authenticate, authorise, apply, commit, encode], text))
    }

    /// The medians of many calls.
    pub(crate) async fn series<O: OperationType>(
        &self,
        count: u32,
        parameters: impl Fn(u32) -> String,
    ) -> Result<[Duration; 6]> {
        let mut times: [Vec<Duration>; 6] = Default::default();
        for number in 0..count {
            let (steps, _) = self.call::<O>(&parameters(number)).await?;
            for (all, one) in times.iter_mut().zip(steps) {
                all.push(one);
            }
        }
        Ok(times.map(|times| median(&times)))
    }

    fn scope() -> Scope {
        Scope { date: AMZ_DATE[..8].to_owned(), region: "us-east-1".to_owned(), service: "ec2".to_owned() }
    }

    fn signed(&self, body: &[u8]) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("localhost:4566"));
        headers.insert("x-amz-date", HeaderValue::from_static(AMZ_DATE));
        headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8"));
        let scope = Self::scope();
        let key = SigningKey::derive(&self.key.secret, &scope);
        let signer = Signer { access_key: &self.key.id, scope: &scope, key: &key };
        let authorization = sign_headers(&canonical(&headers, &sha256_hex(body)), &signer)?;
        headers.insert(http::header::AUTHORIZATION, HeaderValue::from_str(&authorization)?);
        Ok(headers)
    }

    /// As the edge does it, with the signing key derived anew, which the edge keeps for a day.
    fn prove(&self, headers: &HeaderMap, body: &[u8]) -> Result<()> {
        let claim = Claim::from_headers(headers)?;
        let credential = iam::find_credential(&self.store.view()?, &claim.access_key)?.context("nobody has the key")?;
        let key = SigningKey::derive(credential.secret(), &claim.scope);
        let text = canonical(headers, &sha256_hex(body)).render(&claim);
        let is_right = key.sign(&string_to_sign(&claim, &text)).matches(&claim.signature);
        is_right.then_some(()).context("the signature does not match")
    }
}

fn canonical<'a>(headers: &'a HeaderMap, payload: &'a str) -> CanonicalRequest<'a> {
    CanonicalRequest { method: "POST", path: "/", query: "", headers, payload, path_rule: PathRule::Twice }
}
