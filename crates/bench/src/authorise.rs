//! What authorisation costs: calls a second as a root user, as a user with three policies and as a session of a role; its
//! share of a call; and whether a hundred thousand users make anything slower than a hundred do.
//! Not here: the language alone, which `policy` has.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use api::iam::{IamApi, ListUsersRequest, SimulatePrincipalPolicyRequest};
use api::{Call, Caller, Principal, Session, Verdicts};
use iam::{
    AttachmentRecord, GroupRecord, Iam, InlinePolicyRecord, MembershipRecord, PolicyAuthorizer, PolicyRecord,
    PolicyVersionRecord, RoleRecord, UserRecord,
};
use ids::{AccountId, Arn};
use jiff::Timestamp;
use service::{Authorizer, Need, RegionFacts, Runner, ZoneFacts};
use store::{Changes, Store};
use store_sqlite::Sqlite;
use testkit::FixedEffects;

use crate::Setting;
use crate::calls::{DESCRIBE, IDENTITY, prepare};
use crate::endpoint::{Endpoint, IAM, STS, elements};
use crate::load::{Plan, median};
use crate::stages::Rig;
use crate::table::{Aim, Row, Value};

/// A policy as people write them: some statements, a condition, a variable.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":["ec2:Describe*","ec2:Get*"],"Resource":"*"},
    {"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::home/${aws:username}/*"},
    {"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:*:*:jobs-*"},
    {"Effect":"Deny","Action":"ec2:TerminateInstances","Resource":"*",
     "Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}},
    {"Effect":"Allow","Action":"ec2:RunInstances","Resource":"*",
     "Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"StringEquals":{"aws:RequestTag/Team":"blue"}}}]}"#;
/// Who may assume the role.
const TRUST: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;
/// The most that authorisation may take of a call.
const SHARE: f64 = 0.1;
/// The most that a decision may take, as issue 4 has it.
const DECISION: Duration = Duration::from_micros(5);
/// How much slower something may be among a hundred thousand users than among a hundred.
const SLOWER: f64 = 1.5;
/// Connections of the load.
const WIDTH: usize = 64;

/// All of it.
///
/// # Errors
/// If something cannot be measured.
pub async fn authorise(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    over_http(setting, rows).await.context("over HTTP")?;
    share(setting, rows).await.context("alone")?;
    crowds(setting, rows).await.context("crowds")
}

/// Calls a second of each kind of caller, beside the root user as the peer.
async fn over_http(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let mut region = setting.region("sim")?;
    let (root, _) = region.start().await?;
    let pid = region.pid().context("it runs")?;
    prepare(&root).await?;
    let user = make_user(&root).await?;
    let role = make_role(&root, &user).await?;
    let (warm_up, duration) = if setting.quick { (200, 500) } else { (1000, 5000) };
    let plan =
        Plan { connections: WIDTH, warm_up: Duration::from_millis(warm_up), duration: Duration::from_millis(duration) };
    for load in [IDENTITY, DESCRIBE] {
        let peer = load.run(&root, pid, plan).await?;
        let mut push = |who: &str, series: crate::load::Series| {
            let figure = |what: &str| format!("{} as {who}, beside root, {WIDTH} conn., {what}", load.action);
            let row = |what: &str, ours, peer| Row { figure: figure(what), ours, peer: Some(peer), aim: Aim::None };
            rows.push(row("calls", Value::Rate(series.rate), Value::Rate(peer.rate)));
            rows.push(row("CPU per call", Value::Time(series.cpu), Value::Time(peer.cpu)));
        };
        push("a user with 3 policies", load.run(&user, pid, plan).await?);
        push("a session of a role", load.run(&role, pid, plan).await?);
    }
    Ok(())
}

async fn make_user(root: &Endpoint) -> Result<Endpoint> {
    let document = encoded(POLICY);
    root.call(IAM, "CreateUser", &[("UserName", "ann")]).await?;
    let inline = [("UserName", "ann"), ("PolicyName", "I"), ("PolicyDocument", document.as_str())];
    root.call(IAM, "PutUserPolicy", &inline).await?;
    let made = root.call(IAM, "CreatePolicy", &[("PolicyName", "P"), ("PolicyDocument", document.as_str())]).await?;
    let own = elements(&made, "Arn").first().context("no ARN")?.to_string();
    for policy in [own.as_str(), "arn:aws:iam::aws:policy/ReadOnlyAccess"] {
        let policy = encoded(policy);
        root.call(IAM, "AttachUserPolicy", &[("UserName", "ann"), ("PolicyArn", policy.as_str())]).await?;
    }
    let assume =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#;
    let assume = encoded(assume);
    let inline = [("UserName", "ann"), ("PolicyName", "Assume"), ("PolicyDocument", assume.as_str())];
    root.call(IAM, "PutUserPolicy", &inline).await?;
    let key = root.call(IAM, "CreateAccessKey", &[("UserName", "ann")]).await?;
    with_key(root, &key, "SecretAccessKey", false)
}

async fn make_role(root: &Endpoint, user: &Endpoint) -> Result<Endpoint> {
    let (document, trust) = (encoded(POLICY), encoded(TRUST));
    let role = [("RoleName", "ci"), ("AssumeRolePolicyDocument", trust.as_str())];
    let made = root.call(IAM, "CreateRole", &role).await?;
    let inline = [("RoleName", "ci"), ("PolicyName", "I"), ("PolicyDocument", document.as_str())];
    root.call(IAM, "PutRolePolicy", &inline).await?;
    let arn = encoded(elements(&made, "Arn").first().context("no ARN")?);
    let assumed = [("RoleArn", arn.as_str()), ("RoleSessionName", "bench")];
    let session = user.call(STS, "AssumeRole", &assumed).await?;
    with_key(root, &session, "SecretAccessKey", true)
}

fn with_key(root: &Endpoint, answer: &str, secret: &str, has_token: bool) -> Result<Endpoint> {
    let find = |name: &str| {
        let found = elements(answer, name).first().map(|text| (*text).to_owned());
        found.with_context(|| format!("the answer has no {name}"))
    };
    let token = has_token.then(|| find("SessionToken")).transpose()?;
    Ok(Endpoint { access_key: find("AccessKeyId")?, secret: find(secret)?, token, ..root.clone() })
}

/// As a value in a form.
fn encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(one).collect()
}

/// The time of authorisation and its share of the steps of a call, without HTTP and sockets.
async fn share(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let folder = setting.scratch();
    let outcome = share_in(&folder, if setting.quick { 20 } else { 2000 }, rows).await;
    fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    outcome
}

async fn share_in(folder: &std::path::Path, count: u32, rows: &mut Vec<Row>) -> Result<()> {
    let mut rig = Rig::new(folder).await?;
    let launch = format!("&ImageId={}&MinCount=10&MaxCount=10&InstanceType=t3.micro", rig.image);
    rig.call::<api::ec2::RunInstances>(&launch).await?;
    let account = rig.account.clone();
    let mut changes = Changes::new();
    let user = user(&account, 0);
    changes.put(&user)?;
    let role = role(&account);
    changes.put(&role)?;
    for owner in ["user/u0000000", "role/ci"] {
        changes.put(&inline(&account, owner))?;
        for policy in managed(&account, &mut changes)? {
            changes.put(&AttachmentRecord { account: account.clone(), owner: owner.to_owned(), policy_arn: policy })?;
        }
    }
    rig.store.commit(None, changes).await?;
    let root = rig.caller.clone();
    let callers = [
        ("root", root),
        ("a user with 3 policies", caller_of(&user)),
        ("a session of a role with 3 policies", session_of(&role)),
    ];
    for (who, caller) in callers {
        rig.caller = caller;
        let times = rig.series::<api::ec2::DescribeInstances>(count, |_| String::new()).await?;
        let [_, _, authorise, ..] = times;
        let all: Duration = times.iter().sum();
        let figure = |what: &str| format!("DescribeInstances of 10 as {who}, alone: {what}");
        let (time, limit) = (Value::Time(authorise), Aim::AtMost(Value::Time(DECISION)));
        rows.push(Row { figure: figure("authorise (median)"), ours: time, peer: None, aim: limit });
        let share = Value::Share(authorise.as_secs_f64() / all.as_secs_f64());
        rows.push(Row {
            figure: figure("share of authorisation"),
            ours: share,
            peer: None,
            aim: Aim::AtMost(Value::Share(SHARE)),
        });
    }
    Ok(())
}

/// What is done among many users, beside the same among a hundred.
async fn crowds(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let many = if setting.quick { 2000 } else { 100_000 };
    let (few, crowd) = (Crowd::new(setting, 100).await?, Crowd::new(setting, many).await?);
    let count = if setting.quick { 20 } else { 400 };
    for (what, ours, peer) in [
        ("a page of ListUsers", crowd.pages(count).await?, few.pages(count).await?),
        ("SimulatePrincipalPolicy", crowd.simulations().await?, few.simulations().await?),
        ("authorise a user who was not here before", crowd.strangers().await?, few.strangers().await?),
        ("authorise a user who was here just now", crowd.regulars(count).await?, few.regulars(count).await?),
    ] {
        rows.push(Row {
            figure: format!("{what}, among {many} users in {} groups, beside 100 in 1 (median)", many / 100),
            ours: Value::Time(ours),
            peer: Some(Value::Time(peer)),
            aim: Aim::RatioAtMost(SLOWER),
        });
    }
    few.end()?;
    crowd.end()
}

struct Crowd {
    folder: std::path::PathBuf,
    account: AccountId,
    users: u32,
    store: Store,
    effects: Arc<FixedEffects>,
    iam: Iam,
}

impl Crowd {
    /// Users in groups of a hundred, each with a policy of its own and one of its group's.
    async fn new(setting: &Setting, users: u32) -> Result<Self> {
        let folder = setting.scratch();
        let account: AccountId = "000000000001".parse().ok().context("that is an account's id")?;
        let store = Store::new(Sqlite::open(&folder)?);
        iam::prepare(&store).await?;
        let mut changes = Changes::new();
        let policies = managed(&account, &mut changes)?;
        store.commit(None, changes).await?;
        for first in (0..users).step_by(1000) {
            let mut changes = Changes::new();
            for number in first..users.min(first + 1000) {
                let user = user(&account, number);
                let owner = format!("user/{}", user.name);
                let group = format!("g{:05}", number / 100);
                if number % 100 == 0 {
                    let owner = format!("group/{group}");
                    changes.put(&GroupRecord {
                        account: account.clone(),
                        name: group.clone(),
                        path: "/".to_owned(),
                        id: format!("AGPA{group}"),
                        created: Timestamp::UNIX_EPOCH,
                    })?;
                    changes.put(&inline(&account, &owner))?;
                }
                let membership = MembershipRecord { account: account.clone(), user: user.name.clone(), group };
                changes.put(&membership)?;
                let policy_arn = policies[0].clone();
                changes.put(&AttachmentRecord { account: account.clone(), owner, policy_arn })?;
                changes.put(&user)?;
            }
            store.commit(None, changes).await?;
        }
        let effects = Arc::new(FixedEffects::default());
        let region = RegionFacts {
            name: "us-east-1".to_owned(),
            zones: vec![ZoneFacts { name: "us-east-1a".to_owned(), id: "use1-az1".to_owned() }],
            endpoint: "localhost:4566".to_owned(),
            public_pool: ([100, 64, 0, 0].into(), 16),
        };
        let authorizer = Arc::new(PolicyAuthorizer::new(&store, effects.clone()));
        let runner = Runner::new(store.clone(), Arc::new(region), effects.clone(), authorizer);
        Ok(Self { folder, account, users, iam: Iam::new(runner), store, effects })
    }

    /// Pages of fifty, from the first one on and over again.
    async fn pages(&self, count: u32) -> Result<Duration> {
        let mut times = Vec::new();
        let mut marker = None;
        for _ in 0..count {
            let call = call(Caller::root(self.account.clone(), "AKIAROOT"));
            let input = ListUsersRequest { max_items: Some(50), marker, ..ListUsersRequest::default() };
            let begun = Instant::now();
            marker = self.iam.list_users(call, input).await?.marker;
            times.push(begun.elapsed());
        }
        Ok(median(&times))
    }

    /// What a hundred users all over the crowd may do, one after the other.
    async fn simulations(&self) -> Result<Duration> {
        let mut times = Vec::new();
        for number in 0..100 {
            let call = call(Caller::root(self.account.clone(), "AKIAROOT"));
            let input = SimulatePrincipalPolicyRequest {
                policy_source_arn: user(&self.account, number * (self.users / 100)).arn(),
                action_names: vec!["ec2:DescribeInstances".to_owned()],
                ..SimulatePrincipalPolicyRequest::default()
            };
            let begun = Instant::now();
            let answer = self.iam.simulate_principal_policy(call, input).await?;
            times.push(begun.elapsed());
            answer.evaluation_results.filter(|results| results.len() == 1).context("no result")?;
        }
        Ok(median(&times))
    }

    /// A hundred users all over the crowd, each for the first time.
    async fn strangers(&self) -> Result<Duration> {
        let authorizer = PolicyAuthorizer::new(&self.store, self.effects.clone());
        // What many have in common is known.
        self.decide(&authorizer, 0)?;
        let numbers = (1..100).map(|number| number * (self.users / 100) + number % (self.users / 100).max(1));
        let times: Result<Vec<Duration>> = numbers.map(|number| self.decide(&authorizer, number)).collect();
        Ok(median(&times?))
    }

    /// Fifty users over and over.
    async fn regulars(&self, count: u32) -> Result<Duration> {
        let authorizer = PolicyAuthorizer::new(&self.store, self.effects.clone());
        for number in 0..50 {
            self.decide(&authorizer, number * (self.users / 100))?;
        }
        let numbers = (0..count.max(50)).map(|number| number % 50 * (self.users / 100));
        let times: Result<Vec<Duration>> = numbers.map(|number| self.decide(&authorizer, number)).collect();
        Ok(median(&times?))
    }

    fn decide(&self, authorizer: &PolicyAuthorizer, number: u32) -> Result<Duration> {
        let call = call(caller_of(&user(&self.account, number)));
        let instance = Arn::new("ec2", "us-east-1", self.account.as_str(), "instance/i-0123456789abcdef0");
        let needs = [Need::on("ec2:DescribeInstances", instance)];
        let begun = Instant::now();
        let view = self.store.view()?;
        authorizer.authorize(&call, &needs, &view)?;
        Ok(begun.elapsed())
    }

    fn end(self) -> Result<()> {
        fs::remove_dir_all(&self.folder).with_context(|| self.folder.display().to_string())
    }
}

fn call(caller: Caller) -> Call {
    Call {
        caller,
        request_id: "00000000-0000-4000-8000-000000000000".to_owned(),
        source_ip: Some([10, 0, 0, 1].into()),
        is_secure: true,
        user_agent: "bench".to_owned(),
        manner: Arc::default(),
        region: "us-east-1".to_owned(),
        verdicts: Verdicts::default(),
    }
}

fn user(account: &AccountId, number: u32) -> UserRecord {
    UserRecord {
        account: account.clone(),
        name: format!("u{number:07}"),
        path: "/".to_owned(),
        id: format!("AIDA{number:017}"),
        created: Timestamp::UNIX_EPOCH,
        boundary: None,
        tags: Vec::new(),
    }
}

fn caller_of(user: &UserRecord) -> Caller {
    let UserRecord { account, name, path, id, .. } = user.clone();
    let access_key = Some(format!("AKIA{name}"));
    Caller { account: Some(account), principal: Principal::User { name, path, id }, access_key, session: None }
}

fn role(account: &AccountId) -> RoleRecord {
    RoleRecord {
        account: account.clone(),
        name: "ci".to_owned(),
        path: "/".to_owned(),
        id: "AROA1".to_owned(),
        created: Timestamp::UNIX_EPOCH,
        trust: TRUST.to_owned(),
        description: None,
        max_session: 3600,
        boundary: None,
        tags: Vec::new(),
        linked_service: None,
    }
}

fn session_of(role: &RoleRecord) -> Caller {
    let RoleRecord { account, name, path, id, .. } = role.clone();
    let principal = Principal::Role { name, path, id, session: "bench".to_owned() };
    let session = Some(Arc::new(Session::default()));
    Caller { account: Some(account), principal, access_key: Some("ASIABENCH".to_owned()), session }
}

fn inline(account: &AccountId, owner: &str) -> InlinePolicyRecord {
    let (account, owner) = (account.clone(), owner.to_owned());
    InlinePolicyRecord { account, owner, name: "I".to_owned(), document: POLICY.to_owned() }
}

/// Two managed policies, the account's own and one of AWS's, by their ARNs.
fn managed(account: &AccountId, changes: &mut Changes) -> Result<Vec<String>> {
    let policy = PolicyRecord {
        account: account.clone(),
        name: "P".to_owned(),
        path: "/".to_owned(),
        id: "ANPA1".to_owned(),
        description: None,
        created: Timestamp::UNIX_EPOCH,
        updated: Timestamp::UNIX_EPOCH,
        default_version: 1,
        last_version: 1,
        tags: Vec::new(),
    };
    changes.put(&policy)?;
    changes.put(&PolicyVersionRecord {
        account: account.clone(),
        policy: "p".to_owned(),
        version: 1,
        document: POLICY.to_owned(),
        created: Timestamp::UNIX_EPOCH,
    })?;
    Ok(vec![policy.arn(), "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()])
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn values_of_forms_are_encoded() {
        assert_eq!(encoded("a-Z_9.~ {\"é\"}&+"), "a-Z_9.~%20%7B%22%C3%A9%22%7D%26%2B");
    }
}
