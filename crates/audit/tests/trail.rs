//! The trail as a whole: written, mended, bounded, looked up and followed.
#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use api::Caller;
use audit::{Attribute, Event, Identity, Log, Options, Outcome, Parameters, Query, Trail, find, lookup};
use jiff::Timestamp;
use wire::Value;

const MINE: &str = "111111111111";
const OTHER: &str = "222222222222";

fn caller(account: &str) -> Caller {
    Caller::root(account.parse().unwrap(), format!("AKIA{account}"))
}

fn event<'a>(caller: &'a Caller, operation: &'a str, second: i64, request: Option<&'a Parameters>) -> Event<'a> {
    Event {
        time: Timestamp::from_second(1_795_248_000 + second).unwrap(),
        service: &api::ec2::SERVICE,
        operation,
        identity: Identity::Proven(caller),
        region: "eu-lab-1",
        source_ip: None,
        user_agent: "test",
        request_id: "r",
        request,
        response: None,
        verdicts: &[],
        outcome: Outcome { status: 200, error: None, is_sender_fault: false, is_throttled: false },
        micros: 1,
    }
}

fn query(account: &str) -> Query {
    Query { account: account.to_owned(), attribute: None, since: 0, until: u64::MAX, limit: 50, from: None }
}

fn names(folder: &Path, query: &Query) -> Vec<String> {
    lookup(folder, query).unwrap().records.into_iter().map(|record| record.event_name).collect()
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .collect();
    found.sort();
    found
}

fn key_name(name: &str) -> Parameters {
    let shape = api::ec2::shapes::CREATE_KEY_PAIR_REQUEST.members();
    let position = shape.iter().position(|member| member.name == "KeyName").unwrap();
    let members = vec![(u16::try_from(position).unwrap(), Value::String(name.to_owned()))];
    Parameters::of(&api::ec2::shapes::CREATE_KEY_PAIR_REQUEST, &Value::Structure(members))
}

#[tokio::test]
async fn a_change_is_in_its_file_before_its_call_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(folder.path(), &Options::default()).unwrap();
    let me = caller(MINE);
    log.record(&event(&me, "CreateVpc", 0, None)).await;
    let text = fs::read_to_string(&files(folder.path(), "jsonl")[0]).unwrap();
    assert!(text.contains("\"eventName\":\"CreateVpc\"") && text.ends_with("}\n"), "{text}");
    log.record(&event(&me, "DescribeVpcs", 1, None)).await;
    log.flush().await;
    assert_eq!(names(folder.path(), &query(MINE)), ["DescribeVpcs", "CreateVpc"]);
    assert_eq!((log.counts().written, log.counts().lost), (2, 0));
}

#[tokio::test]
async fn lookups_find_what_they_ask_for_and_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(folder.path(), &Options::default()).unwrap();
    let (me, other) = (caller(MINE), caller(OTHER));
    let (one, two) = (key_name("one"), key_name("two"));
    log.record(&event(&me, "CreateKeyPair", 0, Some(&one))).await;
    log.record(&event(&other, "CreateKeyPair", 1, Some(&one))).await;
    log.record(&event(&me, "CreateKeyPair", 2, Some(&two))).await;
    log.record(&event(&me, "DescribeKeyPairs", 3, None)).await;
    log.record(&Event {
        identity: Identity::Unproven { access_key: Some("AKIA111111111111") },
        ..event(&me, "CreateVpc", 4, None)
    })
    .await;
    log.flush().await;
    let check = |account: &str, attribute: Attribute, wanted: &[&str]| {
        let query = Query { attribute: Some(attribute.clone()), ..query(account) };
        assert_eq!(names(folder.path(), &query), wanted, "{attribute:?}");
    };
    check(MINE, Attribute::EventName("CreateKeyPair".into()), &["CreateKeyPair", "CreateKeyPair"]);
    check(
        MINE,
        Attribute::EventSource("ec2.amazonaws.com".into()),
        &["DescribeKeyPairs", "CreateKeyPair", "CreateKeyPair"],
    );
    check(MINE, Attribute::ReadOnly(true), &["DescribeKeyPairs"]);
    check(MINE, Attribute::Username("root".into()), &["DescribeKeyPairs", "CreateKeyPair", "CreateKeyPair"]);
    check(MINE, Attribute::ResourceName("one".into()), &["CreateKeyPair"]);
    check(MINE, Attribute::ResourceType("AWS::EC2::KeyPair".into()), &["CreateKeyPair", "CreateKeyPair"]);
    check(MINE, Attribute::AccessKeyId("AKIA222222222222".into()), &[]);
    check(
        MINE,
        Attribute::AccessKeyId("AKIA111111111111".into()),
        &["DescribeKeyPairs", "CreateKeyPair", "CreateKeyPair"],
    );
    check(OTHER, Attribute::AccessKeyId("AKIA222222222222".into()), &["CreateKeyPair"]);
    let newest = lookup(folder.path(), &query(MINE)).unwrap().records.remove(0);
    check(MINE, Attribute::EventId(newest.event_id.clone()), &["DescribeKeyPairs"]);
    check(OTHER, Attribute::EventId(newest.event_id), &[]);
    let early = Query { until: (1_795_248_000 + 1) * 1_000_000, ..query(MINE) };
    assert_eq!(names(folder.path(), &early), ["CreateKeyPair"]);
    let late = Query { since: (1_795_248_000 + 3) * 1_000_000, ..query(MINE) };
    assert_eq!(names(folder.path(), &late), ["DescribeKeyPairs"]);
}

#[tokio::test]
async fn pages_neither_miss_nor_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(folder.path(), &Options::default()).unwrap();
    let me = caller(MINE);
    for second in 0..40 {
        let name = if second % 3 == 0 { "CreateVpc" } else { "DescribeVpcs" };
        log.record(&event(&me, name, second, None)).await;
    }
    log.flush().await;
    let mut times = Vec::new();
    let mut from = None;
    loop {
        let found = lookup(folder.path(), &Query { limit: 7, from, ..query(MINE) }).unwrap();
        times.extend(found.records.iter().map(|record| record.additional_event_data.epoch_micros));
        // What comes meanwhile is newer than what is still to be read.
        log.record(&event(&me, "CreateVpc", 1000, None)).await;
        from = found.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(times.len(), 40);
    assert!(times.windows(2).all(|pair| pair[0] > pair[1]));
}

#[tokio::test]
async fn what_a_crash_left_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let me = caller(MINE);
    for name in ["CreateVpc", "CreateSubnet"] {
        let log = Log::open(folder.path(), &Options::default()).unwrap();
        log.record(&event(&me, name, 0, None)).await;
    }
    let [records] = &files(folder.path(), "jsonl")[..] else { panic!("one file goes on") };
    let [index] = &files(folder.path(), "idx")[..] else { panic!("one index") };
    let whole = fs::read(records).unwrap();
    for index_length in [0, 64, 100, 128] {
        fs::OpenOptions::new().append(true).open(records).unwrap().write_all(b"{\"half").unwrap();
        fs::OpenOptions::new().write(true).open(index).unwrap().set_len(index_length).unwrap();
        drop(Log::open(folder.path(), &Options::default()).unwrap());
        assert_eq!(fs::read(records).unwrap(), whole);
        assert_eq!(names(folder.path(), &query(MINE)), ["CreateSubnet", "CreateVpc"], "{index_length}");
    }
    fs::OpenOptions::new().write(true).open(records).unwrap().set_len(whole.len() as u64 / 2 + 10).unwrap();
    drop(Log::open(folder.path(), &Options::default()).unwrap());
    assert_eq!(names(folder.path(), &query(MINE)), ["CreateVpc"]);
}

#[tokio::test]
async fn files_are_bounded_and_reads_never_push_out_changes() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { total_bytes: 1 << 20, ..Options::default() };
    let log = Log::open(folder.path(), &options).unwrap();
    let me = caller(MINE);
    log.record(&event(&me, "CreateVpc", 0, None)).await;
    for second in 0..4000 {
        log.record(&event(&me, "DescribeVpcs", second, None)).await;
        if second % 100 == 0 {
            log.flush().await;
        }
    }
    log.flush().await;
    let size: u64 = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(size < options.total_bytes / 2, "{size}");
    assert!(files(folder.path(), "jsonl").len() > 2, "more than one file of reads");
    let found = names(folder.path(), &Query { attribute: Some(Attribute::ReadOnly(false)), ..query(MINE) });
    assert_eq!(found, ["CreateVpc"]);
    let mut trail = Trail::new(folder.path(), 0);
    assert_eq!(trail.next().unwrap().unwrap().event_name, "CreateVpc");
    let mut last = 0;
    while let Some(record) = trail.next().unwrap() {
        assert!(record.additional_event_data.epoch_micros > last);
        last = record.additional_event_data.epoch_micros;
    }
    assert_eq!(last, (1_795_248_000 + 3999) * 1_000_000);
}

#[tokio::test]
async fn a_new_day_begins_a_new_file_and_old_days_go() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(folder.path(), &Options { max_days: 2, ..Options::default() }).unwrap();
    let me = caller(MINE);
    let mut trail = Trail::new(folder.path(), 0);
    for day in 0..5 {
        log.record(&event(&me, "CreateVpc", day * 86_400, None)).await;
        let followed = trail.next().unwrap().unwrap();
        assert_eq!(followed.additional_event_data.epoch_micros, (1_795_248_000 + day as u64 * 86_400) * 1_000_000);
        assert!(trail.next().unwrap().is_none());
    }
    let days: Vec<_> = files(folder.path(), "jsonl");
    assert_eq!(days.len(), 3, "{days:?}");
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_counted_and_calls_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(folder.path(), &Options::default()).unwrap();
    let me = caller(MINE);
    // A folder where the file should be: as root, permissions stop nobody.
    fs::create_dir(folder.path().join("changes-20261121-000001.jsonl")).unwrap();
    log.record(&event(&me, "CreateVpc", 0, None)).await;
    assert_eq!((log.counts().written, log.counts().lost), (0, 1));
    fs::remove_dir(folder.path().join("changes-20261121-000001.jsonl")).unwrap();
    log.record(&event(&me, "CreateVpc", 0, None)).await;
    assert_eq!((log.counts().written, log.counts().lost), (1, 1));
}

/// Decisions name statements of other accounts' policies, so they are the operator's to read.
#[tokio::test]
async fn decisions_are_in_the_record_and_not_in_what_its_account_reads() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(folder.path(), &Options::default()).unwrap();
    let (me, odd) = (caller(MINE), key_name("},\"requestID\":\",\"authorization\":["));
    let verdicts = [api::Verdict {
        action: "ec2:CreateKeyPair".into(),
        resource: "*".into(),
        is_allowed: false,
        because: "},\"requestID\":".into(),
        statements: Vec::new(),
        considered: Vec::new(),
    }];
    log.record(&event(&me, "CreateKeyPair", 1, Some(&odd))).await;
    log.record(&Event { verdicts: &verdicts, ..event(&me, "CreateKeyPair", 2, Some(&odd)) }).await;
    let found = lookup(folder.path(), &query(MINE)).unwrap().records;
    assert!(found[1].additional_event_data.authorization.is_empty());
    assert_eq!(found[1].json_for_tenants(), found[1].json, "there is nothing to take away");
    let [decision] = &found[0].additional_event_data.authorization[..] else { panic!("one decision") };
    assert_eq!((decision.action.as_str(), decision.allowed), ("ec2:CreateKeyPair", false));
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let mut expected = read(&found[0].json);
    expected["additionalEventData"].as_object_mut().unwrap().remove("authorization").unwrap();
    assert_eq!(read(&found[0].json_for_tenants()), expected);
}

#[tokio::test]
async fn a_request_is_found_by_its_id_in_every_lane() {
    let folder = tempfile::tempdir().unwrap();
    assert!(find(folder.path(), "one").unwrap().is_none());
    let log = Log::open(folder.path(), &Options::default()).unwrap();
    let (me, odd) = (caller(MINE), key_name("\"requestID\":\"three\""));
    log.record(&Event { request_id: "one", ..event(&me, "CreateKeyPair", 1, Some(&odd)) }).await;
    log.record(&Event { request_id: "two", ..event(&me, "DescribeVpcs", 2, None) }).await;
    log.flush().await;
    for (id, name) in [("one", Some("CreateKeyPair")), ("two", Some("DescribeVpcs")), ("three", None), ("", None)] {
        let found = find(folder.path(), id).unwrap();
        assert_eq!(found.as_ref().map(|record| record.event_name.as_str()), name, "{id}");
    }
}

/// Processes that share a folder once wrote into the same files, each with offsets of its own: lookups found half lines.
#[tokio::test]
async fn what_several_processes_record_is_found_whole_in_order_and_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let me = caller(MINE);
    // Before there were several.
    drop(recorded(folder.path(), None, &me, [("CreateVpc", 0)]).await);
    let first = recorded(folder.path(), Some("process-1"), &me, [("RunInstances", 1), ("DescribeVpcs", 3)]).await;
    let second = recorded(folder.path(), Some("process-2"), &me, [("StopInstances", 2), ("DeleteVpc", 4)]).await;
    let all = ["DeleteVpc", "DescribeVpcs", "StopInstances", "RunInstances", "CreateVpc"];
    assert_eq!(names(folder.path(), &query(MINE)), all);
    let (mut paged, mut from) = (Vec::new(), None);
    loop {
        let found = lookup(folder.path(), &Query { limit: 2, from, ..query(MINE) }).unwrap();
        paged.extend(found.records.into_iter().map(|record| record.event_name));
        // What comes meanwhile, from a process that was not there either, is newer than the first page.
        let late = recorded(folder.path(), Some("process-3"), &me, [("CreateSubnet", 5)]).await;
        first.record(&event(&me, "CreateSubnet", 6, None)).await;
        drop(late);
        from = found.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(paged, all);
    // One that ends, and one that takes its place.
    drop(second);
    drop(recorded(folder.path(), Some("process-2"), &me, [("DeleteSubnet", 7)]).await);
    assert_eq!(names(folder.path(), &query(MINE))[0], "DeleteSubnet");
    assert!(Log::open_as(folder.path(), Some("../outside"), &Options::default()).is_err());
}

/// A log with records of these calls, each in the kernel's hands.
async fn recorded<const N: usize>(
    folder: &Path,
    process: Option<&str>,
    caller: &Caller,
    calls: [(&str, i64); N],
) -> Log {
    let log = Log::open_as(folder, process, &Options::default()).unwrap();
    for (operation, second) in calls {
        log.record(&event(caller, operation, second, None)).await;
    }
    log.flush().await;
    log
}

#[tokio::test]
async fn several_processes_are_followed_as_one_and_share_the_room() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { total_bytes: 1 << 20, ..Options::default() };
    let me = caller(MINE);
    let mut trail = Trail::new(folder.path(), 0);
    assert!(trail.next().unwrap().is_none());
    let open = |name| Log::open_as(folder.path(), Some(name), &options).unwrap();
    let (left, right) = (open("process-1"), open("process-2"));
    for second in 0..4000 {
        let log = if second % 2 == 0 { &left } else { &right };
        log.record(&event(&me, "DescribeVpcs", second, None)).await;
        if second % 100 == 99 {
            left.flush().await;
            right.flush().await;
            for expected in second - 99..=second {
                let record = trail.next().unwrap().unwrap();
                let micros = (1_795_248_000 + expected as u64) * 1_000_000;
                assert_eq!(record.additional_event_data.epoch_micros, micros);
            }
        }
    }
    let size = |name: &str| -> u64 {
        let files = fs::read_dir(folder.path().join(name)).unwrap();
        files.map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
    };
    let (one, other) = (size("process-1"), size("process-2"));
    assert!(one + other < options.total_bytes / 2, "{one} and {other}");
    assert!(one > 0 && other > 0);
    // Of one that never comes back, what is too old goes when another writes.
    let day = 86_400;
    drop(right);
    left.record(&event(&me, "DescribeVpcs", 200 * day, None)).await;
    left.flush().await;
    assert_eq!(size("process-2"), 0);
}
