//! A call as its record tells it: CloudTrail's schema, so that whatever reads CloudTrail's files reads ours.
//! Source: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>.

use std::fmt::Write as _;
use std::net::IpAddr;

use api::{Caller, Principal, Verdict, Vouched};
use jiff::Timestamp;
use wire::ServiceShape;

use crate::index::{Entry, MANAGEMENT, READ_ONLY, account_number, filter_bits, short_hash};
use crate::json::{bounded, key, member, string};
use crate::kind::{Category, category, event_name, event_source, is_read_only};
use crate::{Lane, Parameters, verdicts};

/// The version of the schema that records follow.
const VERSION: &str = "1.11";
/// The most bytes of an error's text.
const MAX_MESSAGE: usize = 512;
/// The most bytes of what a client calls itself.
const MAX_AGENT: usize = 256;

/// One call, as far as it is known.
#[derive(Debug)]
pub struct Event<'a> {
    /// When it was answered.
    pub time: Timestamp,
    /// The service that was called.
    pub service: &'static ServiceShape,
    /// The operation; `-` if the request did not get so far as to name one.
    pub operation: &'a str,
    /// Who called.
    pub identity: Identity<'a>,
    /// The region.
    pub region: &'a str,
    /// Where the request came from.
    pub source_ip: Option<IpAddr>,
    /// What the client calls itself.
    pub user_agent: &'a str,
    /// The id that the answer carries.
    pub request_id: &'a str,
    /// What was asked.
    pub request: Option<&'a Parameters>,
    /// What was answered, for a call that changes something.
    pub response: Option<&'a Parameters>,
    /// What was decided on the permissions that it needed.
    pub verdicts: &'a [Verdict],
    /// How it ended.
    pub outcome: Outcome<'a>,
    /// How long it took, in microseconds.
    pub micros: u64,
}

/// Who called.
#[derive(Debug, Clone, Copy)]
pub enum Identity<'a> {
    /// Someone whose signature matched, or an anonymous caller where those are let in.
    Proven(&'a Caller),
    /// Someone who came with the word of an identity provider: `WebIdentityUser` or `SAMLUser`, and for whom it vouched. The
    /// record belongs to the account of the role that was asked for. Where the word was not verified nobody is known and it
    /// belongs to no account: else anybody could write into everybody's history.
    Vouched(&'static str, Option<&'a Vouched>),
    /// Someone who did not prove anything, and the access key that was named. The record belongs to no account: else
    /// anybody could write into everybody's history.
    Unproven {
        /// The key.
        access_key: Option<&'a str>,
    },
}

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub struct Outcome<'a> {
    /// The HTTP status of the answer.
    pub status: u16,
    /// Code and text of the error, if it is one.
    pub error: Option<(&'a str, &'a str)>,
    /// The error is the caller's fault.
    pub is_sender_fault: bool,
    /// It was turned away for coming too fast.
    pub is_throttled: bool,
}

impl Event<'_> {
    /// The kind of call.
    pub fn category(&self) -> Category {
        category(self.service.name, self.operation)
    }

    /// Where the record goes.
    pub fn lane(&self) -> Lane {
        let is_proven = matches!(self.identity, Identity::Proven(_) | Identity::Vouched(_, Some(_)));
        match self.category() {
            Category::Data if is_proven => Lane::Data,
            Category::Data => Lane::Reads,
            Category::Management if !is_proven || self.outcome.is_throttled => Lane::Reads,
            Category::Management if self.operation == "-" || is_read_only(self.operation) => Lane::Reads,
            Category::Management => Lane::Changes,
        }
    }

    /// Appends the record as one line to `line`, and gives its entry for the index. `number` makes its event id, with
    /// `prefix`, which is another one in each process.
    pub(crate) fn write(&self, line: &mut String, prefix: u64, number: u64) -> Entry {
        let name = event_name(self.service.endpoint_prefix, self.operation);
        let mut entry = Entry {
            time: u64::try_from(self.time.as_microsecond()).unwrap_or(0),
            event_id: number,
            event_name: short_hash(name),
            ..Entry::default()
        };
        line.push_str("{\"eventVersion\":\"");
        line.push_str(VERSION);
        line.push_str("\",\"userIdentity\":");
        match self.identity {
            Identity::Proven(caller) => proven(line, caller, &mut entry),
            Identity::Vouched(kind, vouched) => crate::session::vouched(line, kind, vouched, &mut entry),
            Identity::Unproven { access_key } => unproven(line, access_key, &mut entry),
        }
        line.push_str(",\"eventTime\":\"");
        time(line, self.time);
        line.push_str("\",\"eventSource\":\"");
        let source = line.len();
        line.push_str(event_source(self.service.endpoint_prefix));
        line.push_str(".amazonaws.com");
        entry.event_source = short_hash(&line[source..]);
        line.push('"');
        member(line, "eventName", name);
        member(line, "awsRegion", self.region);
        key(line, "sourceIPAddress");
        // Writing to a string can't fail.
        let _ = match self.source_ip {
            Some(address) => write!(line, "\"{}\"", address.to_canonical()),
            None => write!(line, "\"welkin.internal\""),
        };
        key(line, "userAgent");
        bounded(line, self.user_agent, MAX_AGENT);
        self.error(line);
        let mut is_cut = false;
        for (name, parameters) in [("requestParameters", self.request), ("responseElements", self.response)] {
            key(line, name);
            match parameters.filter(|parameters| !parameters.json.is_empty()) {
                Some(parameters) => {
                    line.push_str(&parameters.json);
                    is_cut |= parameters.is_cut;
                }
                None => line.push_str("null"),
            }
        }
        self.beside(line, is_cut, &mut entry);
        member(line, "requestID", self.request_id);
        key(line, "eventID");
        event_id(line, prefix, number);
        let is_read_only = self.operation != "-" && is_read_only(self.operation);
        line.push_str(if is_read_only { ",\"readOnly\":true" } else { ",\"readOnly\":false" });
        line.push_str(",\"eventType\":\"AwsApiCall\"");
        let is_management = self.category() == Category::Management;
        line.push_str(if is_management { ",\"managementEvent\":true" } else { ",\"managementEvent\":false" });
        let recipient = match self.identity {
            Identity::Proven(caller) => caller.account.as_ref().map(|account| account.as_str()),
            Identity::Vouched(_, vouched) => vouched.map(|vouched| vouched.account.as_str()),
            Identity::Unproven { .. } => None,
        };
        if let Some(account) = recipient {
            member(line, "recipientAccountId", account);
        }
        member(line, "eventCategory", if is_management { "Management" } else { "Data" });
        line.push_str("}\n");
        entry.flags = if is_read_only { READ_ONLY } else { 0 } | if is_management { MANAGEMENT } else { 0 };
        entry
    }

    /// EC2's codes say whose fault it was.
    fn error(&self, line: &mut String) {
        let Some((code, message)) = self.outcome.error else { return };
        key(line, "errorCode");
        if self.service.name == "ec2" {
            let side = if self.outcome.is_sender_fault { "Client." } else { "Server." };
            string(line, &[side, code].concat());
        } else {
            string(line, code);
        }
        key(line, "errorMessage");
        bounded(line, message, MAX_MESSAGE);
    }

    /// What CloudTrail has no place for: the time to the microsecond, the HTTP status, how long it took, the resources
    /// that `LookupEvents` shows, and what was decided.
    fn beside(&self, line: &mut String, is_cut: bool, entry: &mut Entry) {
        // Writing to a string can't fail.
        let _ = write!(
            line,
            ",\"additionalEventData\":{{\"epochMicros\":{},\"httpStatus\":{},\"durationMicros\":{}",
            entry.time, self.outcome.status, self.micros
        );
        if is_cut {
            line.push_str(",\"parametersCut\":true");
        }
        let asked = self.request.map_or(&[][..], |request| &request.resources);
        let answered = self.response.map_or(&[][..], |response| &response.resources);
        for (index, resource) in asked.iter().chain(answered).enumerate() {
            line.push_str(if index == 0 { ",\"resources\":[" } else { "," });
            line.push_str("[\"");
            line.push_str(resource.kind);
            line.push_str("\",");
            string(line, &resource.name);
            line.push(']');
            entry.resources |= filter_bits(resource.kind) | filter_bits(&resource.name);
        }
        if !asked.is_empty() || !answered.is_empty() {
            line.push(']');
        }
        verdicts::write(line, self.verdicts);
        line.push('}');
    }
}

/// Source: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>.
fn proven(line: &mut String, caller: &Caller, entry: &mut Entry) {
    let arn = caller.arn();
    // `arn:aws:iam::123456789012:user/path/name`: what it is stands behind the fifth colon.
    let resource = arn.as_deref().and_then(|arn| arn.splitn(6, ':').nth(5)).unwrap_or_default();
    let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
    let last = name.rsplit('/').next().unwrap_or_default();
    let (kind, username) = match (&caller.principal, kind) {
        (Principal::Anonymous, _) => ("AWSAccount", ""),
        (Principal::Service(service), _) => ("AWSService", *service),
        (_, "root") => ("Root", "root"),
        (_, "assumed-role") => ("AssumedRole", last),
        (_, "federated-user") => ("FederatedUser", last),
        _ => ("IAMUser", last),
    };
    line.push_str("{\"type\":\"");
    line.push_str(kind);
    line.push('"');
    if let Some(id) = caller.user_id() {
        member(line, "principalId", &id);
    }
    if let Some(arn) = &arn {
        member(line, "arn", arn);
    }
    member(line, "accountId", caller.account.as_ref().map_or("anonymous", |account| account.as_str()));
    if let Some(access_key) = &caller.access_key {
        member(line, "accessKeyId", access_key);
        entry.access_key = short_hash(access_key);
    }
    match kind {
        "IAMUser" => member(line, "userName", username),
        "AWSService" => member(line, "invokedBy", username),
        _ => {}
    }
    crate::session::context(line, caller);
    line.push('}');
    entry.username = short_hash(username);
    entry.account = caller.account.as_ref().map_or(0, |account| account_number(account.as_str()));
}

fn unproven(line: &mut String, access_key: Option<&str>, entry: &mut Entry) {
    line.push_str("{\"type\":\"Unknown\"");
    if let Some(access_key) = access_key {
        key(line, "accessKeyId");
        bounded(line, access_key, 128);
        entry.access_key = short_hash(access_key);
    }
    line.push('}');
}

/// To the second, as CloudTrail has it. Made by hand: this is on the path of every call.
pub(crate) fn time(line: &mut String, time: Timestamp) {
    let seconds = time.as_second();
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days to year, month and day as in Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    // Writing to a string can't fail.
    let _ = write!(line, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60);
}

/// A version 4 UUID by its looks: random bits of the process, then the number of the record.
fn event_id(line: &mut String, prefix: u64, number: u64) {
    let high = prefix & !0xf000 | 0x4000;
    let low = number & (u64::MAX >> 2) | 1 << 63;
    // Writing to a string can't fail.
    let _ = write!(
        line,
        "\"{:08x}-{:04x}-{:04x}-{:04x}-{:012x}\"",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    );
}

/// The number in an event id that [`event_id`] wrote; none if it is another kind of id.
pub(crate) fn number_of(event_id: &str) -> Option<u64> {
    let mut parts = event_id.splitn(5, '-').skip(3);
    let (first, last) = (parts.next()?, parts.next()?);
    if first.len() != 4 || last.len() != 12 {
        return None;
    }
    let low = u64::from_str_radix(first, 16).ok()? << 48 | u64::from_str_radix(last, 16).ok()?;
    Some(low & (u64::MAX >> 2))
}

#[cfg(test)]
pub(crate) mod tests {
    use api::{Caller, Principal};
    use jiff::Timestamp;
    use serde_json::Value;

    use super::{Event, Identity, Outcome, number_of};
    use crate::{Lane, index::short_hash};

    pub(crate) fn event<'a>(identity: Identity<'a>, operation: &'a str) -> Event<'a> {
        Event {
            time: Timestamp::constant(1_795_248_000, 123_456_789),
            service: &api::ec2::SERVICE,
            operation,
            identity,
            region: "eu-lab-1",
            source_ip: Some("::ffff:10.0.0.7".parse().unwrap()),
            user_agent: "aws-cli/2 \"x\"",
            request_id: "r-1",
            request: None,
            response: None,
            verdicts: &[],
            outcome: Outcome { status: 200, error: None, is_sender_fault: false, is_throttled: false },
            micros: 12,
        }
    }

    fn check(event: &Event<'_>) -> Value {
        let mut line = String::new();
        let entry = event.write(&mut line, 0x0123_4567_89ab_cdef, 77);
        let record: Value = serde_json::from_str(&line).unwrap();
        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1);
        assert_eq!(number_of(record["eventID"].as_str().unwrap()), Some(77));
        assert_eq!(entry.event_source, short_hash(record["eventSource"].as_str().unwrap()));
        record
    }

    #[test]
    fn a_record_is_cloudtrails() {
        let account: ids::AccountId = "012345678901".parse().unwrap();
        let root = Caller::root(account.clone(), "AKIA1");
        let record = check(&event(Identity::Proven(&root), "RunInstances"));
        assert_eq!(record["eventTime"], "2026-11-21T08:00:00Z");
        assert_eq!(record["eventSource"], "ec2.amazonaws.com");
        assert_eq!(record["sourceIPAddress"], "10.0.0.7");
        assert_eq!(record["userIdentity"]["type"], "Root");
        assert_eq!(record["userIdentity"]["accessKeyId"], "AKIA1");
        assert_eq!(record["eventID"], "01234567-89ab-4def-8000-00000000004d");
        assert_eq!((&record["readOnly"], &record["managementEvent"]), (&Value::Bool(false), &Value::Bool(true)));
        assert_eq!(record["recipientAccountId"], "012345678901");
        assert_eq!(record["requestParameters"], Value::Null);
        let principal = Principal::User { name: "ada".into(), path: "/".into(), id: "AIDAX".into() };
        let user = Caller { principal, ..root };
        let mut refused = event(Identity::Proven(&user), "RunInstances");
        refused.outcome.error = Some(("UnauthorizedOperation", "You are not authorized"));
        refused.outcome.is_sender_fault = true;
        let record = check(&refused);
        assert_eq!(record["errorCode"], "Client.UnauthorizedOperation");
        assert_eq!(record["userIdentity"]["userName"], "ada");
    }

    #[test]
    fn who_proves_nothing_writes_into_nobodys_history() {
        let stranger = Identity::Unproven { access_key: Some("AKIA\"\n") };
        let record = check(&event(stranger, "RunInstances"));
        assert_eq!(record["userIdentity"]["accessKeyId"], "AKIA\"\n");
        assert_eq!(record.get("recipientAccountId"), None);
        assert_eq!(event(stranger, "RunInstances").lane(), Lane::Reads);
    }

    #[test]
    fn times_are_written_as_jiff_writes_them() {
        for second in [0, 951_782_399, 951_782_400, 1_709_164_800, 4_107_542_399, 1_795_248_000] {
            let time = Timestamp::from_second(second).unwrap();
            let mut line = String::new();
            super::time(&mut line, time);
            assert_eq!(line, time.to_string());
        }
    }
}
