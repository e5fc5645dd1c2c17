//! Calls a second, their times, and what they cost the server: reads and a durable write, at one connection and at many,
//! on the embedded store and on PostgreSQL, against moto's server under the same load.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::Setting;
use crate::endpoint::{EC2, Endpoint, STS, elements};
use crate::load::{Load, Plan, Series};
use crate::moto::Moto;
use crate::postgres::Postgres;
use crate::table::{Aim, Row, Value};

/// How much more than moto we want to serve.
const AIM: f64 = 50.0;
/// Instances that are described.
const INSTANCES: usize = 10;
/// More than 64 is beyond the peer's threads, which is why nothing is aimed at there.
const WIDTHS: [usize; 3] = [1, 64, 1000];
const WIDEST_AIM: usize = 64;
const BUCKET: &str = "bench";
/// Bytes of a small object.
const OBJECT: usize = 1024;

/// Proves its caller and answers: no store.
pub const IDENTITY: Load = Load {
    action: "GetCallerIdentity",
    request: |endpoint, number| endpoint.request(STS, "GetCallerIdentity", &[], number),
    expected: "<Arn>arn:aws:",
    times: 1,
};
/// Reads.
pub const DESCRIBE: Load = Load {
    action: "DescribeInstances",
    request: |endpoint, number| endpoint.request(EC2, "DescribeInstances", &[], number),
    expected: "<instanceId>i-",
    times: INSTANCES,
};
/// Writes bytes and a record, durably. Its answer is empty: in nothing, "" is once.
pub const PUT: Load = Load {
    action: "PutObject",
    request: |endpoint, number| endpoint.s3_request("PUT", &format!("/{BUCKET}/k{number}"), &"x".repeat(OBJECT)),
    expected: "",
    times: 1,
};

/// Every call at every width, on all of them.
pub async fn calls(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let (moto, _) = Moto::start(&setting.python).await?;
    prepare(&moto.endpoint).await.context("moto")?;
    {
        let mut region = setting.region("sim")?;
        let (ours, _) = region.start().await?;
        let pid = region.pid().context("it runs")?;
        prepare(&ours).await.context("welkin")?;
        // The widest at the end: a peer that was overrun is not itself for a while.
        for connections in WIDTHS {
            for load in [IDENTITY, DESCRIBE, PUT] {
                let plan = plan(setting, connections);
                let own = load.run(&ours, pid, plan).await.context("welkin")?;
                let peer = load.run(&moto.endpoint, moto.pid(), plan).await;
                if let Err(cause) = &peer {
                    eprintln!("moto at {connections} connections: {cause:#}");
                }
                compare(load, connections, "", own, Some(peer.ok()), rows);
            }
        }
    }
    let Some(postgres) = Postgres::start(setting)? else {
        eprintln!("calls: PostgreSQL is not installed, or this binary knows no --store: not measured on it");
        return Ok(());
    };
    let mut region = setting.region("sim")?.with_store(&postgres.url());
    let (ours, _) = region.start().await.context("on PostgreSQL")?;
    let pid = region.pid().context("it runs")?;
    prepare(&ours).await.context("welkin on PostgreSQL")?;
    for connections in WIDTHS {
        for load in [DESCRIBE, PUT] {
            let own = load.run(&ours, pid, plan(setting, connections)).await.context("welkin on PostgreSQL")?;
            compare(load, connections, ", PostgreSQL", own, None, rows);
        }
    }
    Ok(())
}

fn plan(setting: &Setting, connections: usize) -> Plan {
    let (warm_up, duration) = if setting.quick { (200, 500) } else { (1000, 5000) };
    Plan { connections, warm_up: Duration::from_millis(warm_up), duration: Duration::from_millis(duration) }
}

/// The lines of one run. `peer` is none where there is no peer, and none within where it failed.
fn compare(load: Load, connections: usize, on: &str, own: Series, peer: Option<Option<Series>>, rows: &mut Vec<Row>) {
    let of = match load.times {
        1 => String::new(),
        count => format!(" of {count}"),
    };
    let mut row = |what: &str, value: fn(Series) -> Value, aim| {
        rows.push(Row {
            figure: format!("{}{of}, {connections} conn.{on}, {what}", load.action),
            ours: value(own),
            peer: peer.map(|peer| peer.map_or(Value::Failed, value)),
            aim,
        });
    };
    let is_aimed = peer.is_some() && connections <= WIDEST_AIM && load.action != PUT.action;
    row("calls", |series| Value::Rate(series.rate), if is_aimed { Aim::RatioAtLeast(AIM) } else { Aim::None });
    row("p50", |series| Value::Time(series.p50), Aim::None);
    row("p99", |series| Value::Time(series.p99), Aim::None);
    row("CPU per call", |series| Value::Time(series.cpu), Aim::None);
    row("VmRSS", |series| Value::Bytes(series.rss), Aim::None);
}

/// A bucket, and instances that are `running`: until then the answers still change.
///
/// # Errors
/// If a call fails, or they don't run in time.
pub async fn prepare(endpoint: &Endpoint) -> Result<()> {
    endpoint.make_bucket(BUCKET).await?;
    let image = image(endpoint).await?;
    let count = INSTANCES.to_string();
    let parameters =
        [("ImageId", image.as_str()), ("MinCount", &count), ("MaxCount", &count), ("InstanceType", "t3.micro")];
    endpoint.call(EC2, "RunInstances", &parameters).await?;
    let mut states = Vec::new();
    for _ in 0..200 {
        let answer = endpoint.call(EC2, "DescribeInstances", &[]).await?;
        states = elements(&answer, "name").into_iter().map(str::to_owned).collect();
        if states.iter().filter(|state| *state == "running").count() == INSTANCES {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the instances don't run: {states:?}")
}

/// An image that can be launched.
///
/// # Errors
/// If there is none.
pub async fn image(endpoint: &Endpoint) -> Result<String> {
    let answer = endpoint.call(EC2, "DescribeImages", &[]).await?;
    elements(&answer, "imageId").first().map(|image| (*image).to_owned()).context("there is no image")
}
