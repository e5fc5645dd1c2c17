//! VPC networks on Linux: a namespace a VPC as its layer-3 router, a tap a network interface, `nft` for security groups
//! and translation, and DHCP, DNS and the metadata service inside the namespace.
//!
//! The host's own namespace gets one link (`wk-<tag>`) and one route (the public pool through it), nothing else: no
//! setting, no filter rule, no forwarding. A guest with a public address therefore reaches the host and the other
//! public addresses of the region, and nothing beyond the host, unless the host forwards already for reasons of its
//! own. It reaches every port that the host listens on at any of its addresses: the host guards itself.
//! A guest without a public address reaches its VPC only.
//! Not here: route tables and NAT gateways, networks between nodes, rootless operation.

mod address;
mod check;
mod conntrack;
mod dhcp;
mod dns;
mod doctor;
#[cfg(any(test, feature = "hostile"))]
mod fixture;
#[cfg(any(test, feature = "hostile"))]
pub mod hostile;
mod imds;
mod namespace;
mod plan;
mod render;
mod seen;
mod serve;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use host::metadata::TokenKey;
use host::{HostError, NetworkSpec, Networks};
use ids::VpcId;
use tokio::sync::Mutex;

pub use doctor::{Check, probe};

use crate::names::{netns_name, tap_name, uplink_veth_name};
use serve::Servers;

/// What every VPC namespace is set to, before it has a device. Devices take over `default`. Sources are checked by the
/// filter, hence no `rp_filter`; a router between single addresses must not redirect.
const VPC_SETTINGS: [(&str, &str); 9] = [
    ("ipv6/conf/all/disable_ipv6", "1"),
    ("ipv6/conf/default/disable_ipv6", "1"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/default/send_redirects", "0"),
    ("ipv4/conf/all/accept_redirects", "0"),
    ("ipv4/conf/default/accept_redirects", "0"),
    ("ipv4/ip_forward", "1"),
];

/// How a region's networks are made on this host.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// Tells the regions on one machine apart: 1 to 8 characters `[a-z0-9]`.
    pub tag: String,
    /// The block of public addresses. Its first address becomes the host's own end of the link, which guests see as
    /// the source of what the host sends them; its last is not used. Interfaces may have all others.
    pub public_pool: (Ipv4Addr, u8),
    /// Resolvers asked for names that are not of a VPC. Without any, such questions are refused.
    pub dns_upstream: Vec<SocketAddr>,
    /// 32 secret bytes that sign the metadata service's session tokens. The same after a restart, so that tokens hold.
    pub token_key: [u8; 32],
}

/// What this process has applied to one VPC.
struct Applied {
    servers: Servers,
    /// Nothing while it is being changed: what a failure in the middle leaves in the kernel is unknown.
    known: Option<Known>,
}

/// What the kernel holds for certain.
struct Known {
    rules: String,
    translations: BTreeMap<Ipv4Addr, Ipv4Addr>,
}

/// The networks of one region on this Linux host. What is in the kernel outlives it; a later one takes over.
pub struct LinuxNetworks {
    tag: String,
    pool: address::Cidr,
    upstream: Arc<[SocketAddr]>,
    key: Arc<TokenKey>,
    applied: Mutex<BTreeMap<VpcId, Applied>>,
}

impl LinuxNetworks {
    /// Checks the configuration and that the kernel and the programs needed are there. Changes nothing.
    ///
    /// # Errors
    /// [`HostError::Refused`] for a bad configuration, [`HostError::Missing`] for the first failed [`probe`].
    pub fn open(config: NetworkConfig) -> Result<Self, HostError> {
        let is_tag = (1..=8).contains(&config.tag.len())
            && config.tag.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if !is_tag {
            return Err(HostError::Refused(format!("network tag {:?} is not 1 to 8 of a-z and 0-9", config.tag)));
        }
        let (base, length) = config.public_pool;
        if !(8..=30).contains(&length) || base.to_bits() & !address::mask(length).to_bits() != 0 {
            return Err(HostError::Refused(format!(
                "public pool {base}/{length} is not a block of 4 addresses or more"
            )));
        }
        if let Some(check) = probe().into_iter().find(|check| !check.is_ok) {
            return Err(HostError::Missing {
                what: format!("{} ({})", check.name, check.detail),
                remedy: check.remedy,
            });
        }
        Ok(Self {
            tag: config.tag,
            pool: config.public_pool,
            upstream: config.dns_upstream.into(),
            key: Arc::new(TokenKey::new(&config.token_key)),
            applied: Mutex::new(BTreeMap::new()),
        })
    }

    /// Closes all sockets inside the namespaces and leaves the kernel's objects as they are, for the next process. An
    /// `apply` afterwards opens them again. Without this call they close when the runtime ends.
    pub async fn release(&self) {
        for (_, applied) in std::mem::take(&mut *self.applied.lock().await) {
            applied.servers.stop().await;
        }
    }

    /// The region's uplink namespace: every VPC's way to the host and to the other VPCs' public addresses.
    fn uplink_netns(&self) -> String {
        format!("welkin-{}", self.tag)
    }

    fn link(&self) -> String {
        format!("wk-{}", self.tag)
    }

    /// Makes the uplink namespace and the host's link and route, as far as they are missing; gives what it has now.
    async fn raise_uplink(&self) -> Result<seen::Seen, HostError> {
        let netns = self.uplink_netns();
        if namespace::create(&netns).await? {
            namespace::enter(Some(&netns), "set up", || namespace::settings(&VPC_SETTINGS)).await?;
        }
        let on_host = look(None).await?;
        let has_ipv6 = Path::new("/proc/sys/net/ipv6").exists();
        batch(None, &plan::host(&on_host, &self.link(), &netns, self.pool, has_ipv6)).await?;
        let seen = look(Some(&netns)).await?;
        let lines = plan::uplink(&seen, self.pool);
        if !lines.is_empty() {
            namespace::enter(Some(&netns), "set up", || namespace::settings(&VPC_SETTINGS)).await?;
            batch(Some(&netns), &lines).await?;
        }
        Ok(seen)
    }
}

async fn look(netns: Option<&str>) -> Result<seen::Seen, HostError> {
    namespace::enter(netns, "read links and routes", seen::look).await
}

async fn batch(netns: Option<&str>, lines: &str) -> Result<(), HostError> {
    if lines.is_empty() { Ok(()) } else { namespace::run(netns, "ip", &["-batch", "-"], lines).await }
}

fn translations(spec: &NetworkSpec) -> BTreeMap<Ipv4Addr, Ipv4Addr> {
    spec.interfaces.iter().filter_map(|i| i.public_ip.map(|public| (public, i.private_ip))).collect()
}

#[async_trait]
impl Networks for LinuxNetworks {
    async fn list(&self) -> Result<Vec<VpcId>, HostError> {
        let prefix = format!("welkin-{}-", self.tag);
        let names = namespace::names(&prefix).map_err(|error| HostError::failed("list namespaces", error))?;
        Ok(names.iter().filter_map(|name| name.strip_prefix(&prefix)?.parse().ok()).collect())
    }

    async fn apply(&self, spec: &NetworkSpec) -> Result<(), HostError> {
        check::check(spec, self.pool)?;
        let mut applied = self.applied.lock().await;
        let netns = netns_name(&self.tag, &spec.vpc);
        let uplink = self.raise_uplink().await?;
        let is_new = namespace::create(&netns).await?;
        if is_new {
            applied.remove(&spec.vpc);
        }
        let known = applied.get_mut(&spec.vpc).and_then(|before| before.known.take());
        if !applied.contains_key(&spec.vpc) {
            namespace::enter(Some(&netns), "set up", || namespace::settings(&VPC_SETTINGS)).await?;
        }
        let seen = look(Some(&netns)).await?;

        // Rules first, then the memory of connections, then taps: an address never has its new owner while anything
        // of the old one still passes, and what tells us of the old owner goes last.
        let rules = render::rule_set(spec);
        if known.as_ref().is_none_or(|known| known.rules != rules) {
            namespace::run(Some(&netns), "nft", &["-f", "-"], &rules).await?;
        }
        let vacated = plan::vacated(&seen, spec);
        let public = translations(spec);
        let may_have_stale = known.map_or(!is_new, |known| known.translations != public);
        if may_have_stale || !vacated.is_empty() {
            let public = public.clone();
            let purge = move || conntrack::purge(|flow| conntrack::is_stale(flow, &vacated, &public));
            namespace::enter(Some(&netns), "forget connections", purge).await?;
        }

        batch(Some(&self.uplink_netns()), &plan::connect(&uplink, &seen, &netns, spec)).await?;
        let (lines, made) = plan::vpc(&seen, spec);
        batch(Some(&netns), &lines).await?;
        let taps: Vec<String> = spec.interfaces.iter().map(|interface| tap_name(&interface.id)).collect();
        namespace::enter(Some(&netns), "set up taps", move || {
            taps.iter().try_for_each(|tap| {
                // Without a delay, or the first packet to every neighbour would wait for up to 0.8 s.
                let (proxy, delay) = (format!("ipv4/conf/{tap}/proxy_arp"), format!("ipv4/neigh/{tap}/proxy_delay"));
                namespace::settings(&[(&proxy, "1"), (&delay, "0")])
            })
        })
        .await?;

        let entry = match applied.entry(spec.vpc.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let servers = Servers::start(&netns, spec, self.upstream.clone(), self.key.clone()).await?;
                entry.insert(Applied { servers, known: None })
            }
        };
        entry.servers.update(&netns, spec, &made).await?;
        entry.known = Some(Known { rules, translations: public });
        Ok(())
    }

    async fn remove(&self, vpc: &VpcId) -> Result<(), HostError> {
        let mut applied = self.applied.lock().await;
        if let Some(before) = applied.remove(vpc) {
            before.servers.stop().await;
        }
        let uplink_netns = self.uplink_netns();
        let veth = uplink_veth_name(vpc);
        // Nothing to look at where the uplink is gone already: then every veth pair is, too.
        if look(Some(&uplink_netns)).await.is_ok_and(|seen| seen.links.contains(&veth)) {
            batch(Some(&uplink_netns), &format!("link delete dev {veth}\n")).await?;
        }
        let netns = netns_name(&self.tag, vpc);
        // A process inside would keep the namespace with its taps alive after its name is gone.
        if let Ok(seen) = look(Some(&netns)).await {
            let taps: String = seen
                .links
                .iter()
                .filter(|link| plan::is_tap(link))
                .map(|tap| format!("link delete dev {tap}\n"))
                .collect();
            // A tap that a crash left half made is in no group yet, and then the group may have no member.
            if !taps.is_empty()
                && batch(Some(&netns), &format!("link delete group {}\n", plan::TAP_GROUP)).await.is_err()
            {
                batch(Some(&netns), &taps).await?;
            }
        }
        namespace::delete(&netns).await
    }

    async fn purge(&self) -> Result<(), HostError> {
        for vpc in self.list().await? {
            self.remove(&vpc).await?;
        }
        let _alone = self.applied.lock().await;
        if look(None).await?.links.contains(&self.link()) {
            batch(None, &format!("link delete dev {}\n", self.link())).await?;
        }
        namespace::delete(&self.uplink_netns()).await
    }
}
