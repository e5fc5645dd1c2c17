//! A plausible request for any operation, from its shape alone: required members, and those that name things of the
//! owner's. A new operation needs nothing here, unless it names things of a new kind.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use wire::sigv4::sha256_hex;
use wire::{Kind, Location, Member, OperationEntry, OperationShape, Protocol, Segment, ServiceShape, Shape};

use crate::client::Request;
use crate::fixture::{BUCKET, OBJECT, Things};
use crate::identity::PROFILE;
use crate::names;

/// A request, and the members in it that name something that belongs to the owner and to nobody else.
pub struct Input {
    pub request: Request,
    pub named: Vec<&'static str>,
}

struct Maker<'a> {
    service: &'static str,
    operation: &'static str,
    things: &'a Things,
    only: Option<&'static str>,
    named: Vec<&'static str>,
}

/// The request of an operation, naming all things that it can.
pub fn input(service: &ServiceShape, entry: &OperationEntry, things: &Things) -> Input {
    make(service, entry, things, None)
}

/// The same for each thing that the operation can name, without the others: what is refused for one thing says nothing
/// of the next.
pub fn inputs_apart(service: &ServiceShape, entry: &OperationEntry, things: &Things) -> Vec<Input> {
    let all = input(service, entry, things).named;
    all.into_iter().map(|member| make(service, entry, things, Some(member))).collect()
}

fn make(service: &ServiceShape, entry: &OperationEntry, things: &Things, only: Option<&'static str>) -> Input {
    let operation = entry.shape.expect("it is implemented");
    let (service_name, name) = (service.name, entry.name);
    let mut maker = Maker { service: service_name, operation: name, things, only, named: Vec::new() };
    let request = if service.protocols.contains(&Protocol::RestXml) {
        maker.rest(entry, operation)
    } else if let Some(Protocol::Json { version }) =
        service.protocols.iter().find(|it| matches!(it, Protocol::Json { .. }))
    {
        let body = operation.input.map_or_else(|| "{}".to_owned(), |shape| maker.json(shape, true));
        let target = format!("{}.{}", service.target_prefix.expect("of a JSON service"), operation.name);
        Request::new("POST", "/", "", body).with("content-type", version.content_type()).with("x-amz-target", &target)
    } else {
        let is_ec2 = service.protocols.contains(&Protocol::Ec2);
        let mut pairs = vec![("Action".to_owned(), operation.name.to_owned())];
        pairs.push(("Version".to_owned(), service.api_version.to_owned()));
        if let Some(shape) = operation.input {
            maker.form(shape, "", is_ec2, &mut pairs);
        }
        let pairs: Vec<_> = pairs.iter().map(|(name, text)| format!("{name}={}", escape(text))).collect();
        Request::form(&pairs.join("&"))
    };
    Input { request, named: maker.named }
}

impl Maker<'_> {
    /// The value of a scalar member by its name, if it names a thing, and for some that stand for an optional choice.
    fn known(&mut self, member: &'static str, is_top: bool) -> Option<String> {
        if ["iam", "sts", "organizations"].contains(&self.service) {
            return names::of_identity(self.operation, member, &self.things.account);
        }
        let bucket_arn = format!("arn:aws:s3:::{BUCKET}");
        let thing = match member {
            "InstanceId" | "InstanceIds" => &self.things.instance,
            "KeyPairId" | "KeyPairIds" => &self.things.key_pair,
            "GroupId" | "GroupIds" | "SecurityGroupIds" => &self.things.group,
            "VpcId" | "VpcIds" => &self.things.vpc,
            "SubnetId" | "SubnetIds" => &self.things.subnet,
            "Resources" | "ResourceId" => &self.things.instance,
            "Bucket" => BUCKET,
            "AccountId" if self.service == "s3control" => &self.things.account,
            "ResourceArn" if self.service == "s3control" => &bucket_arn,
            "Policy" if self.service == "s3" => {
                return Some(format!(
                    r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::{BUCKET}/*"}}]}}"#,
                    self.things.account
                ));
            }
            "Name" if self.operation.contains("IamInstanceProfile") => return Some(PROFILE.to_owned()),
            "AssociationId" => return Some("iip-assoc-0123456789abcdef0".to_owned()),
            "Key" if is_top => OBJECT,
            "ImageId" | "ImageIds" => return Some(self.things.image.clone()),
            "IpProtocol" if !is_top => return Some("tcp".to_owned()),
            "FromPort" | "ToPort" if !is_top => return Some("80".to_owned()),
            "CidrIp" if !is_top => return Some("192.0.2.0/24".to_owned()),
            _ => return None,
        };
        if !self.named.contains(&member) {
            self.named.push(member);
        }
        Some(thing.to_owned())
    }

    fn scalar(&mut self, member: &'static str, shape: &Shape, is_top: bool) -> String {
        if let Some(known) = self.known(member, is_top) {
            return known;
        }
        match (&shape.kind, member) {
            (Kind::Boolean, _) => "false".to_owned(),
            (Kind::Integer | Kind::Long | Kind::Float | Kind::Double, _) => {
                shape.rule.and_then(|rule| rule.least()).unwrap_or(1).max(1).to_string()
            }
            (Kind::Timestamp(_), _) => "2026-11-21T08:00:00Z".to_owned(),
            (Kind::Blob, _) => {
                let mut blob = Vec::from(*b"\0\0\0\x0bssh-ed25519\0\0\0\x20");
                blob.extend_from_slice(&[7; 32]);
                STANDARD.encode(format!("ssh-ed25519 {} walk", STANDARD.encode(blob)))
            }
            (_, "Key") => OBJECT.to_owned(),
            _ => {
                let rule = shape.rule;
                let word = rule.and_then(|rule| rule.words().first().copied()).unwrap_or_else(|| {
                    // A pattern allows letters before it allows anything else.
                    if rule.is_some_and(|rule| rule.regex().is_some()) { "walktext" } else { "walk-text" }
                });
                let least = rule.and_then(|rule| rule.least()).and_then(|least| usize::try_from(least).ok());
                let mut text = word.to_owned();
                while text.len() < least.unwrap_or_default() {
                    text.push('x');
                }
                text
            }
        }
    }

    /// Whether a member that nobody requires is sent all the same.
    fn wants(&mut self, member: &Member, is_top: bool) -> bool {
        let is_chosen = !is_top && ["IpRanges"].contains(&member.name) || member.name == "IpPermissions";
        let before = self.named.clone();
        let is_known = !matches!(member.shape.kind, Kind::Structure { .. })
            && self.known(member.name, is_top).is_some()
            && (before == self.named || self.only.is_none_or(|only| only == member.name));
        self.named = before;
        is_chosen || is_known
    }

    /// The members of a structure that are sent; of one that requires nothing, the first.
    fn chosen(&mut self, shape: &Shape, is_top: bool) -> Vec<&'static Member> {
        let members = shape.members();
        let chosen: Vec<_> = members.iter().filter(|member| member.is_required || self.wants(member, is_top)).collect();
        if chosen.is_empty() && !is_top { members.first().into_iter().collect() } else { chosen }
    }

    fn form(&mut self, shape: &Shape, prefix: &str, is_ec2: bool, pairs: &mut Vec<(String, String)>) {
        let is_top = prefix.is_empty();
        for member in self.chosen(shape, is_top) {
            let name = format!("{prefix}{}", member.query_name);
            self.form_member(member.name, &member.shape, member.is_flattened, &name, is_top, is_ec2, pairs);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "it is the recursion's state, and nobody else calls it")]
    fn form_member(
        &mut self,
        member: &'static str,
        shape: &Shape,
        is_flattened: bool,
        name: &str,
        is_top: bool,
        is_ec2: bool,
        pairs: &mut Vec<(String, String)>,
    ) {
        match &shape.kind {
            Kind::Structure { .. } => self.form(shape, &format!("{name}."), is_ec2, pairs),
            Kind::List { member: item, member_name } => {
                let wrapper = if is_ec2 || is_flattened { "" } else { member_name.unwrap_or("member") };
                let dot = if wrapper.is_empty() { "" } else { "." };
                let name = format!("{name}{dot}{wrapper}.1");
                self.form_member(member, item, false, &name, is_top, is_ec2, pairs);
            }
            _ => {
                let text = self.scalar(member, shape, is_top);
                pairs.push((name.to_owned(), text));
            }
        }
    }

    fn rest(&mut self, entry: &OperationEntry, operation: &OperationShape) -> Request {
        let route = entry.route.as_ref().expect("a REST operation has a route");
        let members = operation.input.map_or(&[][..], Shape::members);
        let by_name = |name: &str| members.iter().find(|member| member.wire_name == name);
        let mut path = String::new();
        for segment in route.path {
            let text = match segment {
                Segment::Literal(text) => (*text).to_owned(),
                Segment::Label(name) | Segment::Rest(name) => {
                    let member = by_name(name).expect("a label is a member");
                    self.scalar(member.name, &member.shape, true)
                }
            };
            path.push_str(&format!("/{text}"));
        }
        let mut query: Vec<String> = route
            .query
            .iter()
            .map(|(name, value)| value.map_or_else(|| (*name).to_owned(), |value| format!("{name}={value}")))
            .collect();
        let (mut headers, mut body) = (Vec::new(), String::new());
        for member in members {
            if member.is_streaming {
                body = "its bytes".to_owned();
            }
            if !member.is_required || member.is_streaming {
                continue;
            }
            match member.location {
                Location::Uri | Location::StatusCode | Location::Headers => {}
                Location::Query => {
                    query.push(format!(
                        "{}={}",
                        member.wire_name,
                        escape(&self.scalar(member.name, &member.shape, true))
                    ));
                }
                Location::Header => {
                    headers.push((member.wire_name.to_lowercase(), self.scalar(member.name, &member.shape, true)));
                }
                Location::Body if member.is_payload && matches!(member.shape.kind, Kind::String) => {
                    body = self.scalar(member.name, &member.shape, true);
                }
                Location::Body => {
                    body.push_str(&self.xml(member.wire_name, member.name, &member.shape, member.is_flattened))
                }
            }
        }
        let is_several = members.iter().any(|it| it.location == Location::Body && !it.is_payload && !it.is_streaming);
        if is_several && !body.is_empty() {
            body = format!("<{name}Request>{body}</{name}Request>", name = operation.name);
        }
        let path = if path.is_empty() { "/".to_owned() } else { path };
        let mut request = Request::new(route.method, &path, &query.join("&"), body);
        request.headers.extend(headers);
        if operation.requires_checksum {
            let hash = sha256_hex(&request.body);
            let bytes: Vec<u8> =
                (0..32).map(|at| u8::from_str_radix(&hash[2 * at..2 * at + 2], 16).expect("hexadecimal")).collect();
            request = request.with("x-amz-checksum-sha256", &STANDARD.encode(bytes));
        }
        request
    }

    fn json(&mut self, shape: &Shape, is_top: bool) -> String {
        let members: Vec<String> = self
            .chosen(shape, is_top)
            .into_iter()
            .map(|member| {
                let value = self.json_value(member.name, &member.shape, is_top);
                format!("\"{}\":{value}", member.json_name)
            })
            .collect();
        format!("{{{}}}", members.join(","))
    }

    fn json_value(&mut self, member: &'static str, shape: &Shape, is_top: bool) -> String {
        match &shape.kind {
            Kind::Structure { .. } => self.json(shape, false),
            Kind::List { member: item, .. } => format!("[{}]", self.json_value(member, item, is_top)),
            Kind::Map { .. } => "{}".to_owned(),
            Kind::Boolean | Kind::Integer | Kind::Long | Kind::Float | Kind::Double => {
                self.scalar(member, shape, is_top)
            }
            Kind::Timestamp(_) => "1795248000".to_owned(),
            Kind::Blob | Kind::String | Kind::Document => {
                let text = self.scalar(member, shape, is_top);
                format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
            }
        }
    }

    fn xml(&mut self, element: &str, member: &'static str, shape: &Shape, is_flattened: bool) -> String {
        match &shape.kind {
            Kind::Structure { .. } => {
                let inner: String = self
                    .chosen(shape, false)
                    .into_iter()
                    .map(|inner| self.xml(inner.wire_name, inner.name, &inner.shape, inner.is_flattened))
                    .collect();
                format!("<{element}>{inner}</{element}>")
            }
            Kind::List { member: item, .. } if is_flattened => self.xml(element, member, item, false),
            Kind::List { member: item, member_name } => {
                let inner = self.xml(member_name.unwrap_or("member"), member, item, false);
                format!("<{element}>{inner}</{element}>")
            }
            _ => format!("<{element}>{}</{element}>", self.scalar(member, shape, false)),
        }
    }
}

/// As a form wants it.
fn escape(text: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
