//! A record as it is read back from its line.

use serde::Deserialize;

use crate::event::number_of;
use crate::index::{Entry, MANAGEMENT, READ_ONLY, account_number, filter_bits, short_hash};
use crate::lookup::Attribute;
use crate::verdicts::StoredVerdict;

/// A record that was read back.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stored {
    /// The record itself, one JSON object without the end of its line.
    #[serde(skip)]
    pub json: String,
    /// CloudTrail's `eventID`.
    #[serde(rename = "eventID")]
    pub event_id: String,
    /// CloudTrail's `eventName`.
    pub event_name: String,
    /// CloudTrail's `eventSource`.
    pub event_source: String,
    /// CloudTrail's `eventTime`.
    pub event_time: String,
    /// Whether the call changed nothing.
    pub read_only: bool,
    /// Whether it is a management event.
    pub management_event: bool,
    /// The account that the record belongs to; none for a call that proved nothing.
    pub recipient_account_id: Option<String>,
    /// The address that the call came from.
    #[serde(rename = "sourceIPAddress")]
    pub source_ip_address: String,
    /// The error's code, if it failed.
    pub error_code: Option<String>,
    /// The error's text.
    pub error_message: Option<String>,
    /// The id of the request.
    #[serde(rename = "requestID")]
    pub request_id: String,
    /// Who called.
    pub user_identity: StoredIdentity,
    /// What CloudTrail has no place for.
    pub additional_event_data: Additional,
}

/// Who called, as a record has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoredIdentity {
    /// CloudTrail's type, such as `IAMUser`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The ARN.
    pub arn: Option<String>,
    /// The access key.
    pub access_key_id: Option<String>,
    /// The service that called, if it was one.
    pub invoked_by: Option<String>,
    /// The name of a user, of the region or of an identity provider.
    pub user_name: Option<String>,
}

/// What a record has beside CloudTrail's members.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Additional {
    /// When the call was answered, in microseconds since 1970.
    pub epoch_micros: u64,
    /// The HTTP status of the answer.
    pub http_status: u16,
    /// How long it took.
    pub duration_micros: u64,
    /// Types and names of the resources that were named.
    pub resources: Vec<(String, String)>,
    /// What was decided on its permissions; empty in records of programs before there were policies.
    pub authorization: Vec<StoredVerdict>,
    /// There were more decisions than a record holds.
    pub authorization_cut: bool,
}

impl Stored {
    /// Reads a line; none if it is no record.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(line).ok()?.trim_end_matches('\n');
        let mut stored: Self = serde_json::from_str(text).ok()?;
        text.clone_into(&mut stored.json);
        Some(stored)
    }

    /// The record without what was decided on its permissions: of that, some is in policies of other accounts.
    pub fn json_for_tenants(&self) -> String {
        let beside = self.json.find(",\"additionalEventData\":{\"epochMicros\":");
        // Within strings there is a backslash before each quote, so these are members and nothing else.
        let start = beside.and_then(|at| Some(at + self.json[at..].find(",\"authorization\":[")?));
        let span = start.and_then(|at| Some((at, at + self.json[at..].find("},\"requestID\":")?)));
        match span {
            Some((start, end)) => [&self.json[..start], &self.json[end..]].concat(),
            None => self.json.clone(),
        }
    }

    /// What `LookupEvents` calls the user: CloudTrail's `Username`.
    pub fn username(&self) -> &str {
        let last = |arn: &'_ str| arn.rfind(['/', ':']).map_or(0, |at| at + 1);
        match (self.user_identity.kind.as_str(), &self.user_identity.arn, &self.user_identity.invoked_by) {
            ("Root", _, _) => "root",
            ("AWSService", _, Some(service)) => service,
            ("WebIdentityUser" | "SAMLUser", ..) => self.user_identity.user_name.as_deref().unwrap_or_default(),
            (_, Some(arn), _) => &arn[last(arn)..],
            _ => "",
        }
    }

    /// Its entry for the index, without its place.
    pub(crate) fn entry(&self) -> Entry {
        let resources = self.additional_event_data.resources.iter();
        Entry {
            time: self.additional_event_data.epoch_micros,
            offset: 0,
            length: 0,
            flags: if self.read_only { READ_ONLY } else { 0 } | if self.management_event { MANAGEMENT } else { 0 },
            account: self.recipient_account_id.as_deref().map_or(0, account_number),
            event_name: short_hash(&self.event_name),
            event_source: short_hash(&self.event_source),
            access_key: self.user_identity.access_key_id.as_deref().map_or(0, short_hash),
            username: short_hash(self.username()),
            event_id: number_of(&self.event_id).unwrap_or(0),
            resources: resources.fold(0, |bits, (kind, name)| bits | filter_bits(kind) | filter_bits(name)),
        }
    }

    /// Whether it has what is asked for.
    pub(crate) fn has(&self, attribute: &Attribute) -> bool {
        let mut resources = self.additional_event_data.resources.iter();
        match attribute {
            Attribute::EventId(id) => self.event_id == *id,
            Attribute::EventName(name) => self.event_name == *name,
            Attribute::EventSource(source) => self.event_source == *source,
            Attribute::ReadOnly(is_read_only) => self.read_only == *is_read_only,
            Attribute::Username(name) => self.username() == name,
            Attribute::AccessKeyId(key) => self.user_identity.access_key_id.as_ref() == Some(key),
            Attribute::ResourceName(wanted) => resources.any(|(_, name)| name == wanted),
            Attribute::ResourceType(wanted) => resources.any(|(kind, _)| kind == wanted),
        }
    }
}
