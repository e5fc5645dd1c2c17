//! Objects: put, get and head of three sizes at three widths, multipart uploads, lists and deletions by the thousand; beside
//! other servers, which flush nothing while we do, and beside what this machine could do at most.

mod client;
mod figures;
mod limits;
mod peers;

use std::time::Duration;

use anyhow::{Context, Result};

use crate::Setting;
use crate::endpoint::Endpoint;
use crate::table::{Aim, Row, Value};
use figures::{Size, Small};
use peers::Peer;

const WIDTHS: [usize; 3] = [1, 16, 64];
/// Connections at which small puts are compared with flushes.
const GROUPED: usize = 64;
/// How many puts share a flush at least.
const GROUP: f64 = 10.0;
/// What large gets reach at least of what sockets of this machine do.
const OF_LOOPBACK: f64 = 0.7;
/// What large puts reach at least of the lower of disk and MD5.
const OF_DISK: f64 = 0.8;
/// Lists of a long bucket reach at least so much of those of a short one.
const OF_SHORT: f64 = 0.7;

/// What is measured against what.
struct Comparison<'a> {
    ours: &'a Endpoint,
    peers: &'a [Peer],
    rows: &'a mut Vec<Row>,
    /// What the name of a figure has in it that is wanted.
    wanted: &'a str,
}

impl Comparison<'_> {
    /// Measures ours, then each peer; gives ours, or none if it is not wanted. We are to be ahead.
    async fn of(&mut self, figure: &str, measure: impl AsyncFn(&Endpoint) -> Result<Value>) -> Result<Option<Value>> {
        self.aiming(figure, true, measure).await
    }

    async fn aiming(
        &mut self,
        figure: &str,
        is_ahead: bool,
        measure: impl AsyncFn(&Endpoint) -> Result<Value>,
    ) -> Result<Option<Value>> {
        if !figure.contains(self.wanted) {
            return Ok(None);
        }
        let own = measure(self.ours).await.with_context(|| figure.to_owned())?;
        for peer in self.peers {
            let value = match measure(&peer.endpoint).await {
                Ok(value) => value,
                Err(cause) => {
                    eprintln!("{} at {figure}: {cause:#}", peer.name);
                    Value::Failed
                }
            };
            let aim = match own {
                _ if !is_ahead => Aim::None,
                Value::Time(_) => Aim::RatioAtMost(1.0),
                _ => Aim::RatioAtLeast(1.0),
            };
            let figure = format!("{figure}, beside {}", peer.name);
            self.rows.push(Row { figure, ours: own, peer: Some(value), aim });
        }
        Ok(Some(own))
    }

    /// Ours alone, beside something else than a peer.
    fn beside(&mut self, figure: String, own: Option<Value>, other: Value, aim: f64) {
        let Some(own) = own else { return };
        self.rows.push(Row { figure, ours: own, peer: Some(other), aim: Aim::RatioAtLeast(aim) });
    }
}

/// All of it.
pub async fn objects(setting: &Setting, rows: &mut Vec<Row>) -> Result<()> {
    let quick = setting.quick;
    let mut region = setting.region("sim")?;
    let (ours, _) = region.start().await?;
    let peers = peers::start(setting).await?;
    for endpoint in peers.iter().map(|peer| &peer.endpoint).chain([&ours]) {
        endpoint.make_bucket(figures::BUCKET).await?;
    }
    let large: u64 = if quick { 16 << 20 } else { 256 << 20 };
    let small_time = Duration::from_millis(if quick { 300 } else { 3000 });
    let folder = region.folder().to_owned();
    let flushes = limits::flushes(&folder, 4 << 10, small_time)?;
    let disk = limits::disk(&folder, large * 4)?;
    let md5 = limits::md5(large);
    let loopback = limits::loopback(large * 4)?;
    let mut compared = Comparison { ours: &ours, peers: &peers, rows, wanted: &setting.figures };

    for (name, bytes) in [("4 KiB", 4 << 10), ("1 MiB", 1 << 20)] {
        let size = Size { bytes, small: Some(Small { time: small_time }) };
        for width in WIDTHS {
            let figure = format!("PutObject {name}, {width} conn.");
            // Alone, a put waits for the disk, which the peers do not.
            let own = compared.aiming(&figure, width > 1, async |it| size.put(it, width).await).await?;
            if bytes == 4 << 10 && width == GROUPED {
                compared.beside(format!("{figure}, beside flushes"), own, Value::Rate(flushes), GROUP);
            }
            compared.of(&format!("GetObject {name}, {width} conn."), async |it| size.get(it, width).await).await?;
        }
    }
    for width in WIDTHS {
        let figure = format!("HeadObject, {width} conn.");
        compared.of(&figure, async |endpoint| figures::head(endpoint, width, small_time).await).await?;
    }
    let size = Size { bytes: large, small: None };
    let name = format!("{} MiB", large >> 20);
    for width in WIDTHS {
        let figure = format!("PutObject {name}, {width} conn.");
        // The widest is some 16 GiB, which moto keeps in memory.
        let peers = if width == GROUPED { &[][..] } else { &peers[..] };
        let mut compared = Comparison { peers, rows: &mut *compared.rows, ours: &ours, wanted: &setting.figures };
        let own = compared.aiming(&figure, false, async |it| size.put(it, width).await).await?;
        compared.beside(format!("{figure}, of disk or MD5"), own, Value::Flow(disk.min(md5)), OF_DISK);
        let figure = format!("GetObject {name}, {width} conn.");
        let own = compared.of(&figure, async |endpoint| size.get(endpoint, width).await).await?;
        compared.beside(format!("{figure}, of loopback"), own, Value::Flow(loopback), OF_LOOPBACK);
    }
    let (parts, bytes): (usize, u64) = if quick { (4, 8 << 20) } else { (64, 16 << 20) };
    let figure = format!("multipart upload of {} MiB, 4 conn.", (parts as u64 * bytes) >> 20);
    compared.of(&figure, async |endpoint| figures::multipart(endpoint, parts, bytes, 4).await).await?;

    let (short, long) = if quick { (2_000, 4_000) } else { (10_000, 1_000_000) };
    lists(&mut compared, (short, long), small_time).await?;
    let times = if quick { 1 } else { 5 };
    compared.of("DeleteObjects of 1,000", async |it| figures::delete(it, times).await).await?;
    Ok(())
}

/// Pages of a short bucket, and of a long one.
async fn lists(compared: &mut Comparison<'_>, (short, long): (usize, usize), time: Duration) -> Result<()> {
    let figure = format!("ListObjectsV2, 1,000 of {short}");
    if !figure.contains(compared.wanted) {
        return Ok(());
    }
    for endpoint in compared.peers.iter().map(|peer| &peer.endpoint).chain([compared.ours]) {
        figures::fill(endpoint, "short", short).await?;
    }
    let list = async |endpoint: &Endpoint| figures::list(endpoint, "short", short, time).await;
    let Some(of_short) = compared.of(&figure, list).await? else { return Ok(()) };
    figures::fill(compared.ours, "long", long).await?;
    let of_long = figures::list(compared.ours, "long", long, time).await?;
    compared.beside(format!("ListObjectsV2, 1,000 of {long}, beside of {short}"), Some(of_long), of_short, OF_SHORT);
    Ok(())
}
