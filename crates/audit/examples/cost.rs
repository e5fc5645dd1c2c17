//! What a record costs the call it is of, in time on the processor, whatever else the machine does:
//! `cargo run --release -p audit --example cost`.

use std::time::{Duration, Instant};

use api::Caller;
use audit::{Event, Identity, Log, Options, Outcome, Parameters};
use jiff::Timestamp;
use wire::Value;

const CALLS: u32 = 200_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let folder = std::env::temp_dir().join(format!("welkin-audit-cost-{}", std::process::id()));
    let log = Log::open(&folder, &Options::default())?;
    let Ok(account) = "111111111111".parse() else { return Ok(()) };
    let caller = Caller::root(account, "AKIAIOSFODNN7EXAMPLE");
    let shape = &api::ec2::shapes::CREATE_KEY_PAIR_REQUEST;
    let value = Value::Structure(vec![(0, Value::String("a-name".to_owned()))]);
    for operation in ["DescribeVpcs", "CreateVpc"] {
        let calls = if operation == "CreateVpc" { CALLS / 20 } else { CALLS };
        let (started, begun) = (Instant::now(), on_processor());
        for number in 0..calls {
            if number % 1000 == 0 {
                // Records come in no such flood as here; what has no room would cost nothing.
                log.flush().await;
            }
            let request = Parameters::of(shape, &value);
            log.record(&Event {
                time: Timestamp::now(),
                service: &api::ec2::SERVICE,
                operation,
                identity: Identity::Proven(&caller),
                region: "us-east-1",
                source_ip: Some([127, 0, 0, 1].into()),
                user_agent: "aws-cli/2.0 md/Botocore#1.44.5",
                request_id: "12345678-1234-4123-8123-123456789012",
                request: Some(&request),
                response: None,
                verdicts: &[],
                outcome: Outcome { status: 200, error: None, is_sender_fault: false, is_throttled: false },
                micros: 123,
            })
            .await;
        }
        let own = on_processor().saturating_sub(begun);
        let (own, all) = (own.as_nanos() / u128::from(calls), started.elapsed().as_nanos() / u128::from(calls));
        println!("{operation}: {own} ns on the processor, {all} ns in all");
    }
    println!("{:?}", log.counts());
    drop(log);
    std::fs::remove_dir_all(folder)
}

/// The time that this thread has had.
fn on_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}
