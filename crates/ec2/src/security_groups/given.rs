//! Rules as requests give them: lists of permissions, or the flat parameters of old. Checked and normalised here.
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html>.

use api::ec2::{IpPermission, UserIdGroupPair};
use ids::AccountId;
use store::View;

use super::peer::{read_ipv4, read_ipv6};
use super::record::{RulePeer, RuleRecord, SecurityGroupRecord};
use super::{find, is_description};
use crate::Ec2Error;

/// Most rules that one call may name: more than any group has.
const MAX_GIVEN: usize = 1000;

/// One rule that is to be made or taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GivenRule {
    /// Normalised: `tcp`, `udp`, `icmp`, `icmpv6`, `-1` or a number.
    pub(super) protocol: String,
    /// First port or ICMP type; -1 for all.
    pub(super) from_port: i32,
    /// Last port or ICMP code; -1 for all.
    pub(super) to_port: i32,
    /// The other end.
    pub(super) peer: RulePeer,
    /// What it is for.
    pub(super) description: Option<String>,
}

impl GivenRule {
    /// Whether a rule permits exactly this, whatever it is for.
    pub(super) fn is_same(&self, rule: &RuleRecord, is_egress: bool) -> bool {
        rule.is_egress == is_egress
            && rule.protocol == self.protocol
            && (rule.from_port, rule.to_port) == (self.from_port, self.to_port)
            && rule.peer == self.peer
    }
}

/// The flat parameters that came before `IpPermissions`.
#[derive(Debug, Default)]
pub(super) struct Flat<'a> {
    pub(super) cidr_ip: Option<&'a str>,
    pub(super) from_port: Option<i32>,
    pub(super) to_port: Option<i32>,
    pub(super) ip_protocol: Option<&'a str>,
    pub(super) source_group_name: Option<&'a str>,
    pub(super) source_group_owner: Option<&'a str>,
}

impl Flat<'_> {
    fn is_empty(&self) -> bool {
        self.has_no_block() && self.source_group_name.is_none() && self.source_group_owner.is_none()
    }

    fn has_no_block(&self) -> bool {
        self.cidr_ip.is_none() && self.from_port.is_none() && self.to_port.is_none() && self.ip_protocol.is_none()
    }

    /// As permissions. A source group alone means all of ICMP, UDP and TCP.
    fn permissions(&self) -> Result<Vec<IpPermission>, Ec2Error> {
        let Some(name) = self.source_group_name else {
            return Ok(vec![IpPermission {
                ip_protocol: self.ip_protocol.map(ToOwned::to_owned),
                from_port: self.from_port,
                to_port: self.to_port,
                ip_ranges: self
                    .cidr_ip
                    .map(|block| vec![api::ec2::IpRange { cidr_ip: Some(block.to_owned()), description: None }]),
                ..IpPermission::default()
            }]);
        };
        if !self.has_no_block() {
            let text =
                "The parameter sourceSecurityGroupName cannot be used with cidrIp, ipProtocol, fromPort or toPort";
            return Err(Ec2Error::combination(text));
        }
        let pair = UserIdGroupPair {
            group_name: Some(name.to_owned()),
            user_id: self.source_group_owner.map(ToOwned::to_owned),
            ..UserIdGroupPair::default()
        };
        let all = [("tcp", 0, 65535), ("udp", 0, 65535), ("icmp", -1, -1)];
        Ok(all
            .map(|(protocol, from, to)| IpPermission {
                ip_protocol: Some(protocol.to_owned()),
                from_port: Some(from),
                to_port: Some(to),
                user_id_group_pairs: Some(vec![pair.clone()]),
                ..IpPermission::default()
            })
            .to_vec())
    }
}

/// The rules that a request about `group` names, each once.
///
/// # Errors
/// `MissingParameter`, `InvalidParameterValue`, `InvalidParameterCombination`, `InvalidGroup.NotFound` for peers.
pub(super) fn read(
    permissions: Option<&Vec<IpPermission>>,
    flat: &Flat<'_>,
    group: &SecurityGroupRecord,
    view: &View,
) -> Result<Vec<GivenRule>, Ec2Error> {
    let from_flat;
    let permissions = match permissions.map(Vec::as_slice).filter(|given| !given.is_empty()) {
        Some(_) if !flat.is_empty() => {
            let text = "The parameter ipPermissions cannot be used with the flat parameters of a rule";
            return Err(Ec2Error::combination(text));
        }
        Some(given) => given,
        None if flat.is_empty() => return Err(Ec2Error::missing("ipPermissions")),
        None => {
            from_flat = flat.permissions()?;
            from_flat.as_slice()
        }
    };
    let mut rules: Vec<GivenRule> = Vec::new();
    for permission in permissions {
        let protocol = read_protocol(permission.ip_protocol.as_deref())?;
        let (from_port, to_port) = read_ports(&protocol, permission.from_port, permission.to_port)?;
        let peers = read_peers(permission, group, view)?;
        if peers.is_empty() {
            let text = "The request must contain at least one of ipRanges, ipv6Ranges, groups or prefixListIds";
            return Err(Ec2Error::refused("MissingParameter", text));
        }
        for (peer, description) in peers {
            let rule = GivenRule { protocol: protocol.clone(), from_port, to_port, peer, description };
            let is_same =
                |other: &GivenRule| GivenRule { description: rule.description.clone(), ..other.clone() } == rule;
            if rules.iter().any(is_same) {
                return Err(Ec2Error::invalid_value("The same permission must not appear multiple times"));
            }
            rules.push(rule);
            if rules.len() > MAX_GIVEN {
                return Err(Ec2Error::invalid_value(format!("No more than {MAX_GIVEN} rules may be given at once.")));
            }
        }
    }
    Ok(rules)
}

fn read_peers(
    permission: &IpPermission,
    group: &SecurityGroupRecord,
    view: &View,
) -> Result<Vec<(RulePeer, Option<String>)>, Ec2Error> {
    if permission.prefix_list_ids.as_ref().is_some_and(|lists| !lists.is_empty()) {
        return Err(Ec2Error::unsupported("A prefix list in a security group rule"));
    }
    let mut peers = Vec::new();
    for range in permission.ip_ranges.iter().flatten() {
        let block = range.cidr_ip.as_deref().ok_or_else(|| Ec2Error::missing("cidrIp"))?;
        peers.push((read_ipv4(block)?, read_description(range.description.as_ref())?));
    }
    for range in permission.ipv6_ranges.iter().flatten() {
        let block = range.cidr_ipv6.as_deref().ok_or_else(|| Ec2Error::missing("cidrIpv6"))?;
        peers.push((read_ipv6(block)?, read_description(range.description.as_ref())?));
    }
    for pair in permission.user_id_group_pairs.iter().flatten() {
        let other = find_peer(pair, &group.account, view)?;
        if other.vpc != group.vpc {
            let text = "You have specified two resources that belong to different networks.";
            return Err(Ec2Error::refused("InvalidGroup.NotFound", text));
        }
        peers.push((RulePeer::Group(other.id), read_description(pair.description.as_ref())?));
    }
    Ok(peers)
}

fn find_peer(pair: &UserIdGroupPair, account: &AccountId, view: &View) -> Result<SecurityGroupRecord, Ec2Error> {
    let (id, name) = (pair.group_id.as_deref(), pair.group_name.as_deref());
    if pair.user_id.as_deref().is_some_and(|owner| owner != account.as_str()) {
        let text = format!("The security group '{}' does not exist", id.or(name).unwrap_or_default());
        return Err(Ec2Error::refused("InvalidGroup.NotFound", text));
    }
    match (id, name) {
        // Clients send back what was described to them, which may hold both.
        (Some(id), _) => find::by_id(view, account, id),
        (None, _) => find::find(view, account, None, name),
    }
}

fn read_description(given: Option<&String>) -> Result<Option<String>, Ec2Error> {
    match given.filter(|text| !text.is_empty()) {
        Some(text) if !is_description(text) => Err(Ec2Error::invalid_value(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  \
             a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        )),
        text => Ok(text.cloned()),
    }
}

/// A protocol by name or number, as AWS writes it back.
fn read_protocol(given: Option<&str>) -> Result<String, Ec2Error> {
    let Some(given) = given else {
        let text = "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.";
        return Err(Ec2Error::invalid_value(text));
    };
    let lower = given.to_ascii_lowercase();
    Ok(match lower.as_str() {
        "-1" | "all" => "-1",
        "tcp" | "6" => "tcp",
        "udp" | "17" => "udp",
        "icmp" | "1" => "icmp",
        "icmpv6" | "58" => "icmpv6",
        number if number.parse::<u8>().is_ok_and(|parsed| parsed.to_string() == number) => number,
        _ => {
            let text = format!("Invalid value '{given}' for IP protocol. Unknown protocol.");
            return Err(Ec2Error::invalid_value(text));
        }
    }
    .to_owned())
}

/// The ports of a protocol that has any, or the type and code of ICMP; otherwise all.
fn read_ports(protocol: &str, from: Option<i32>, to: Option<i32>) -> Result<(i32, i32), Ec2Error> {
    let refused = |text: String| Err(Ec2Error::invalid_value(text));
    match protocol {
        "tcp" | "udp" => {
            let (Some(from), Some(to)) = (from, to) else {
                let text = "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.";
                return refused(text.to_owned());
            };
            if let Some(port) = [from, to].into_iter().find(|port| u16::try_from(*port).is_err()) {
                return refused(format!("TCP/UDP port ({port}) out of range"));
            }
            if from > to {
                return refused(format!("Invalid TCP/UDP port range ({from}:{to})"));
            }
            Ok((from, to))
        }
        "icmp" | "icmpv6" => {
            let (kind, code) = (from.unwrap_or(-1), to.unwrap_or(-1));
            if !(-1..=255).contains(&kind) {
                return refused(format!("ICMP type ({kind}) out of range"));
            }
            if !(-1..=255).contains(&code) {
                return refused(format!("ICMP code ({code}) out of range"));
            }
            if kind == -1 && code != -1 {
                return refused(format!("ICMP code ({code}) specified for all ICMP types"));
            }
            Ok((kind, code))
        }
        _ => Ok((-1, -1)),
    }
}

#[cfg(test)]
mod tests {
    use super::{read_ports, read_protocol};

    fn check(protocol: &str, from: Option<i32>, to: Option<i32>, expected: Result<(&str, i32, i32), &str>) {
        let outcome = read_protocol(Some(protocol))
            .and_then(|name| read_ports(&name, from, to).map(|(from, to)| (name, from, to)))
            .map_err(|error| error.to_string());
        let expected = expected.map(|(name, from, to)| (name.to_owned(), from, to));
        assert_eq!(outcome, expected.map_err(|text| format!("InvalidParameterValue: {text}")), "{protocol}");
    }

    #[test]
    fn protocols_and_ports() {
        check("tcp", Some(22), Some(22), Ok(("tcp", 22, 22)));
        check("TCP", Some(0), Some(65535), Ok(("tcp", 0, 65535)));
        check("17", Some(53), Some(53), Ok(("udp", 53, 53)));
        check("1", None, None, Ok(("icmp", -1, -1)));
        check("icmp", Some(8), Some(-1), Ok(("icmp", 8, -1)));
        check("58", Some(-1), Some(-1), Ok(("icmpv6", -1, -1)));
        check("-1", Some(22), Some(22), Ok(("-1", -1, -1)));
        check("all", None, None, Ok(("-1", -1, -1)));
        check("50", Some(1), Some(2), Ok(("50", -1, -1)));
        check("256", None, None, Err("Invalid value '256' for IP protocol. Unknown protocol."));
        check("050", None, None, Err("Invalid value '050' for IP protocol. Unknown protocol."));
        check("", None, None, Err("Invalid value '' for IP protocol. Unknown protocol."));
        let both = "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.";
        check("tcp", Some(1), None, Err(both));
        check("tcp", Some(-1), Some(-1), Err("TCP/UDP port (-1) out of range"));
        check("udp", Some(1), Some(65536), Err("TCP/UDP port (65536) out of range"));
        check("tcp", Some(80), Some(22), Err("Invalid TCP/UDP port range (80:22)"));
        check("icmp", Some(256), Some(0), Err("ICMP type (256) out of range"));
        check("icmp", Some(3), Some(300), Err("ICMP code (300) out of range"));
        check("icmp", Some(-1), Some(3), Err("ICMP code (3) specified for all ICMP types"));
        assert!(read_protocol(None).is_err());
    }
}
