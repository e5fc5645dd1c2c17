//! What the nodes of the region should have, as a pure function of what is stored. The order of everything in it is
//! that of the ids, so that equal wants give equal assignments.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use host::{
    Assignment, BootSpec, FirewallRule, InterfaceSpec, MachineSpec, NetworkSpec, NicSpec, Peer, Ports, Protocol,
    SubnetSpec,
};
use ids::{AccountId, ImageId, SecurityGroupId, SubnetId, VpcId};
use service::RegionFacts;
use store::{Record, StoreError, View};

use super::metadata::{Surroundings, metadata};
use super::profiles::credential_leaves;
use super::record::InstanceRecord;
use super::states::InstanceState;
use super::types;
use crate::images::record::ImageRecord;
use crate::network::record::{SubnetRecord, VpcRecord};
use crate::security_groups::record::{RulePeer, RuleRecord, SecurityGroupRecord};
use crate::tags;
use crate::text::private_dns_name;

/// Records read at a time.
const CHUNK: usize = 1000;

/// Every instance that has not terminated, in the order of account and id.
///
/// # Errors
/// The store's.
pub(crate) fn live(view: &View) -> Result<Vec<InstanceRecord>, StoreError> {
    let mut records: Vec<InstanceRecord> = Vec::new();
    loop {
        let after = records.last().map(Record::key);
        let chunk = view.by_index("live", "", after.as_ref(), CHUNK)?;
        let is_last = chunk.len() < CHUNK;
        records.extend(chunk);
        if is_last {
            return Ok(records);
        }
    }
}

/// The assignment that brings about what `live` wants.
///
/// # Errors
/// The store's.
pub(crate) fn assignment(view: &View, region: &RegionFacts, live: &[InstanceRecord]) -> Result<Assignment, StoreError> {
    let mut builder = Builder::new(view, region);
    let is_wanted = |record: &&InstanceRecord| {
        record.spec.is_wanted && matches!(record.status.state, InstanceState::Pending | InstanceState::Running)
    };
    for record in live.iter().filter(is_wanted) {
        builder.add(record)?;
    }
    builder.finish()
}

struct Builder<'a> {
    view: &'a View,
    region: &'a RegionFacts,
    images: BTreeMap<ImageId, Option<ImageRecord>>,
    groups: BTreeMap<SecurityGroupId, Option<SecurityGroupRecord>>,
    subnets: BTreeMap<SubnetId, Option<SubnetRecord>>,
    networks: BTreeMap<VpcId, Option<NetworkSpec>>,
    /// The addresses of the wanted instances by security group, in the VPC of the group.
    addresses: BTreeMap<SecurityGroupId, BTreeSet<Ipv4Addr>>,
    machines: Vec<MachineSpec>,
    reboots: Vec<(ids::InstanceId, u64)>,
}

impl<'a> Builder<'a> {
    fn new(view: &'a View, region: &'a RegionFacts) -> Self {
        Self {
            view,
            region,
            images: BTreeMap::new(),
            groups: BTreeMap::new(),
            subnets: BTreeMap::new(),
            networks: BTreeMap::new(),
            addresses: BTreeMap::new(),
            machines: Vec::new(),
            reboots: Vec::new(),
        }
    }

    /// Adds one instance. One whose image, type, subnet or VPC is gone is left out: there is nothing to run.
    fn add(&mut self, record: &InstanceRecord) -> Result<(), StoreError> {
        let (spec, own) = (&record.spec, &record.spec.interface);
        let Some(known) = types::find(&spec.instance_type) else { return Ok(()) };
        let image = cached(&mut self.images, &spec.image, || self.view.get(&spec.image))?;
        let Some(image) = image else { return Ok(()) };
        let subnet =
            cached(&mut self.subnets, &own.subnet, || self.view.get(&(record.account.clone(), own.subnet.clone())))?;
        let Some(subnet) = subnet else { return Ok(()) };
        let mut group_names = Vec::with_capacity(own.groups.len());
        let (mut ingress, mut egress) = (BTreeSet::new(), BTreeSet::new());
        for id in &own.groups {
            self.addresses.entry(id.clone()).or_default().insert(own.private_ip);
            let group = cached(&mut self.groups, id, || self.view.get(&(record.account.clone(), id.clone())))?;
            let Some(group) = group else { continue };
            group_names.push(group.name.clone());
            for rule in &group.rules {
                let rules = if rule.is_egress { &mut egress } else { &mut ingress };
                rules.extend(firewall_rule(rule));
            }
        }
        let tags = if spec.metadata_options.shows_tags {
            tags::tags_of(self.view, &record.account, record.id.as_str())?
        } else {
            Vec::new()
        };
        let Some(network) = network(&mut self.networks, self.view, &record.account, &own.vpc)? else { return Ok(()) };
        let around = Surroundings {
            region: self.region,
            architecture: &image.architecture,
            group_names: &group_names,
            subnet_cidr: subnet.cidr,
            vpc_cidr: network.cidr,
            tags: &tags,
            role: credential_leaves(self.view, record)?,
        };
        network.interfaces.push(InterfaceSpec {
            id: own.id.clone(),
            subnet: own.subnet.clone(),
            mac: own.mac.clone(),
            private_ip: own.private_ip,
            public_ip: own.public_ip,
            host_name: private_dns_name(&self.region.name, own.private_ip),
            ingress: ingress.into_iter().collect(),
            egress: egress.into_iter().collect(),
            metadata: metadata(record, &around),
        });
        if !network.subnets.iter().any(|known| known.id == subnet.id) {
            network.subnets.push(SubnetSpec { id: subnet.id.clone(), cidr: subnet.cidr });
        }
        self.machines.push(MachineSpec {
            id: record.id.clone(),
            vcpus: known.vcpus,
            memory_mib: known.memory_mib,
            boot: BootSpec {
                kernel: image.source.kernel.clone(),
                initrd: image.source.initrd.clone(),
                command_line: image.source.command_line.clone(),
                root: image.source.root.clone(),
                root_bytes: image.source.root_bytes,
            },
            nics: vec![NicSpec { id: own.id.clone(), vpc: own.vpc.clone(), mac: own.mac.clone() }],
            disks: Vec::new(),
        });
        if spec.reboots > 0 {
            self.reboots.push((record.id.clone(), spec.reboots));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Assignment, StoreError> {
        let mut networks = Vec::new();
        for mut network in self.networks.into_values().flatten() {
            network.interfaces.sort_by(|left, right| left.id.cmp(&right.id));
            network.subnets.sort_by(|left, right| left.id.cmp(&right.id));
            let rules = network.interfaces.iter().flat_map(|own| own.ingress.iter().chain(&own.egress));
            let named: BTreeSet<SecurityGroupId> = rules.filter_map(named_group).collect();
            for group in named {
                let members = self.addresses.get(&group).cloned().unwrap_or_default();
                network.members.insert(group, members.into_iter().collect());
            }
            networks.push(network);
        }
        self.machines.sort_by(|left, right| left.id.cmp(&right.id));
        self.reboots.sort();
        // What is wanted is a function of the store, so the last commit in it names it.
        let generation = self.view.version()?;
        Ok(Assignment { generation, networks, machines: self.machines, reboots: self.reboots })
    }
}

fn cached<'m, K: Ord + Clone, V>(
    known: &'m mut BTreeMap<K, Option<V>>,
    key: &K,
    read: impl FnOnce() -> Result<Option<V>, StoreError>,
) -> Result<Option<&'m V>, StoreError> {
    if !known.contains_key(key) {
        known.insert(key.clone(), read()?);
    }
    Ok(known.get(key).and_then(Option::as_ref))
}

fn network<'m>(
    networks: &'m mut BTreeMap<VpcId, Option<NetworkSpec>>,
    view: &View,
    account: &AccountId,
    vpc: &VpcId,
) -> Result<Option<&'m mut NetworkSpec>, StoreError> {
    if !networks.contains_key(vpc) {
        let found = view.get::<VpcRecord>(&(account.clone(), vpc.clone()))?;
        let network = found.map(|found| NetworkSpec {
            vpc: found.id,
            cidr: found.cidr,
            subnets: Vec::new(),
            interfaces: Vec::new(),
            members: BTreeMap::new(),
        });
        networks.insert(vpc.clone(), network);
    }
    Ok(networks.get_mut(vpc).and_then(Option::as_mut))
}

fn named_group(rule: &FirewallRule) -> Option<SecurityGroupId> {
    match &rule.peer {
        Peer::Group(group) => Some(group.clone()),
        Peer::Cidr(..) => None,
    }
}

/// A stored rule as a host takes it; none for one that can match nothing here (IPv6) or has no meaning.
pub(crate) fn firewall_rule(rule: &RuleRecord) -> Option<FirewallRule> {
    let peer = match &rule.peer {
        RulePeer::Ipv4(base, length) => Peer::Cidr(*base, *length),
        RulePeer::Group(group) => Peer::Group(group.clone()),
        RulePeer::Ipv6(_) => return None,
    };
    let protocol = match rule.protocol.as_str() {
        "-1" => Protocol::All,
        "tcp" | "6" => Protocol::Tcp,
        "udp" | "17" => Protocol::Udp,
        "icmp" | "1" => Protocol::Icmp,
        "icmpv6" | "58" => return None,
        number => Protocol::Other(number.parse().ok()?),
    };
    let ports = match protocol {
        Protocol::All | Protocol::Other(_) => Ports::All,
        Protocol::Tcp | Protocol::Udp if rule.from_port < 0 => Ports::All,
        Protocol::Tcp | Protocol::Udp => {
            Ports::Range(u16::try_from(rule.from_port).ok()?, u16::try_from(rule.to_port).ok()?)
        }
        Protocol::Icmp if rule.from_port < 0 => Ports::All,
        Protocol::Icmp => {
            let code = if rule.to_port < 0 { None } else { Some(u8::try_from(rule.to_port).ok()?) };
            Ports::Icmp(u8::try_from(rule.from_port).ok()?, code)
        }
    };
    Some(FirewallRule { protocol, ports, peer })
}
