//! Calls a second and their times, against moto's server under the same load.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::Setting;
use crate::endpoint::{EC2, Endpoint, STS, elements};
use crate::load::{Load, Plan};
use crate::moto::Moto;
use crate::table::{Aim, Row, Value};

/// How much more than moto we want to serve.
const AIM: f64 = 50.0;
/// Instances that are described.
const INSTANCES: usize = 10;
const WIDTHS: [usize; 2] = [1, 64];

const LOADS: [Load; 2] = [
    Load { service: STS, action: "GetCallerIdentity", expected: "<Arn>arn:aws:", times: 1 },
    Load { service: EC2, action: "DescribeInstances", expected: "<instanceId>i-", times: INSTANCES },
];

/// Every call at every width, on both.
pub async fn calls(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let mut region = setting.region("sim")?;
    let (ours, _) = region.start().await?;
    let (moto, _) = Moto::start(&setting.python).await?;
    launch(&ours).await.context("welkin")?;
    launch(&moto.endpoint).await.context("moto")?;
    for load in LOADS {
        for connections in WIDTHS {
            let (warm_up, duration) = if setting.quick { (200, 500) } else { (1000, 5000) };
            let plan = Plan {
                connections,
                warm_up: Duration::from_millis(warm_up),
                duration: Duration::from_millis(duration),
            };
            let own = load.run(&ours, plan).await.context("welkin")?;
            let peer = load.run(&moto.endpoint, plan).await.context("moto")?;
            let of = match load.times {
                1 => String::new(),
                count => format!(" of {count}"),
            };
            let row = |what: &str, ours, peer, aim| Row {
                figure: format!("{}{of}, {connections} conn., {what}", load.action),
                ours,
                peer: Some(peer),
                aim,
            };
            rows.push(row("calls", Value::Rate(own.rate), Value::Rate(peer.rate), Aim::RatioAtLeast(AIM)));
            rows.push(row("p50", Value::Time(own.p50), Value::Time(peer.p50), Aim::None));
            rows.push(row("p99", Value::Time(own.p99), Value::Time(peer.p99), Aim::None));
        }
    }
    Ok(())
}

/// Launches the instances, and waits until they are `running`: until then the answers still change.
async fn launch(endpoint: &Endpoint) -> Result<()> {
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
