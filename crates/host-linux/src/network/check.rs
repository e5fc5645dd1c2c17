//! What a specification must satisfy before anything is done with it: what is checked here is never quoted or escaped
//! later on.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use host::{HostError, NetworkSpec, Peer};

use super::address::{Cidr, contains, last, mask, nth};
use crate::names::tap_name;

/// Refuses a specification that cannot be made: addresses outside their blocks or reserved, anything named twice, a
/// MAC address of another form. `pool` is the region's public pool.
///
/// # Errors
/// [`HostError::Refused`] with the first reason found.
pub fn check(spec: &NetworkSpec, pool: Cidr) -> Result<(), HostError> {
    let blocks = spec.subnets.iter().map(|subnet| subnet.cidr).chain([spec.cidr]);
    for (base, length) in blocks {
        let is_block = length <= 30 && base.to_bits() & !mask(length).to_bits() == 0;
        ensure(is_block && contains(spec.cidr, base), || format!("{base}/{length} is not a block of {}", spec.vpc))?;
    }
    let mut taps = BTreeSet::new();
    let mut macs = BTreeSet::new();
    let mut privates = BTreeSet::new();
    let mut publics = BTreeSet::new();
    for interface in &spec.interfaces {
        let id = &interface.id;
        ensure(taps.insert(tap_name(id)), || format!("{id} is named twice"))?;
        ensure(is_mac(&interface.mac), || format!("{id}: {:?} is not a MAC address 02:xx:xx:xx:xx:xx", interface.mac))?;
        ensure(macs.insert(&interface.mac), || format!("{id}: {} is taken", interface.mac))?;
        let subnet = spec.subnets.iter().find(|subnet| subnet.id == interface.subnet);
        let Some(subnet) = subnet else { return Err(HostError::Refused(format!("{id}: no {}", interface.subnet))) };
        let address = interface.private_ip;
        let is_free = contains(subnet.cidr, address)
            && !(0..4).any(|n| nth(subnet.cidr, n) == address)
            && address != last(subnet.cidr);
        ensure(is_free, || format!("{id}: {address} is not an address for interfaces of {}", interface.subnet))?;
        ensure(privates.insert(address), || format!("{id}: {address} is taken"))?;
        ensure(is_host_name(&interface.host_name), || format!("{id}: {:?} is not a host name", interface.host_name))?;
        for rule in interface.ingress.iter().chain(&interface.egress) {
            if let Peer::Cidr(base, length) = &rule.peer {
                ensure(*length <= 32, || format!("{id}: {base}/{length} is not a block"))?;
            }
        }
        if let Some(public) = interface.public_ip {
            ensure(is_public(pool, public), || format!("{id}: {public} is not an address of the public pool"))?;
            ensure(publics.insert(public), || format!("{id}: {public} is taken"))?;
        }
    }
    Ok(())
}

/// True for addresses of the pool that an interface may have: all but the first (the host's own end) and the last.
fn is_public(pool: Cidr, address: Ipv4Addr) -> bool {
    contains(pool, address) && address != pool.0 && address != last(pool)
}

fn ensure(is_so: bool, otherwise: impl FnOnce() -> String) -> Result<(), HostError> {
    if is_so { Ok(()) } else { Err(HostError::Refused(otherwise())) }
}

fn is_mac(text: &str) -> bool {
    text.starts_with("02:")
        && text.len() == 17
        && text.split(':').count() == 6
        && text.split(':').all(|part| part.len() == 2 && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use host::{HostError, NetworkSpec};

    use super::check;
    use crate::network::fixture;

    #[track_caller]
    fn refused(change: fn(&mut NetworkSpec), part: &str) {
        let mut spec = fixture::pair();
        change(&mut spec);
        match check(&spec, fixture::POOL) {
            Err(HostError::Refused(text)) => assert!(text.contains(part), "{text}"),
            other => panic!("{other:?} instead of a refusal with {part:?}"),
        }
    }

    #[test]
    fn what_is_wrong_is_refused() {
        assert!(check(&fixture::pair(), fixture::POOL).is_ok());
        assert!(check(&fixture::empty(), fixture::POOL).is_ok());
        refused(|spec| spec.interfaces[0].mac = "02:00:00:00:00:01\" drop".into(), "not a MAC");
        refused(|spec| spec.interfaces[0].mac = "02:00:00:00:00:0A".into(), "not a MAC");
        refused(|spec| spec.interfaces[1].mac = spec.interfaces[0].mac.clone(), "taken");
        refused(|spec| spec.interfaces[1].private_ip = spec.interfaces[0].private_ip, "taken");
        refused(|spec| spec.interfaces[0].private_ip = [172, 31, 0, 1].into(), "not an address for");
        refused(|spec| spec.interfaces[0].private_ip = [172, 31, 16, 9].into(), "not an address for");
        refused(|spec| spec.interfaces[0].private_ip = [172, 31, 15, 255].into(), "not an address for");
        refused(|spec| spec.interfaces[0].public_ip = Some([198, 18, 37, 0].into()), "public pool");
        refused(|spec| spec.interfaces[0].public_ip = Some([8, 8, 8, 8].into()), "public pool");
        refused(|spec| spec.interfaces[1].public_ip = spec.interfaces[0].public_ip, "taken");
        refused(|spec| spec.interfaces[1].id = spec.interfaces[0].id.clone(), "twice");
        refused(|spec| spec.interfaces[0].host_name = "a b".into(), "host name");
        refused(|spec| spec.subnets[0].cidr = ([10, 0, 0, 0].into(), 24), "not a block");
        refused(|spec| spec.cidr = ([172, 31, 0, 1].into(), 16), "not a block");
        refused(|spec| spec.interfaces[0].ingress[0].peer = host::Peer::Cidr([10, 0, 0, 0].into(), 33), "not a block");
        refused(|spec| spec.subnets.clear(), "no subnet-");
    }
}
