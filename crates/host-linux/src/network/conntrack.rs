//! Connection tracking entries of a namespace: finds and deletes those that no longer stand for anything.
//! AWS keeps tracked connections when a rule goes, and so do we; but an address that gets a new owner must not inherit
//! the old owner's connections. Speaks ctnetlink, because the `conntrack` program is seldom installed.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send, socket_with};

// Numbers of `linux/netlink.h` and `linux/netfilter/nfnetlink_conntrack.h`.
const REQUEST: u16 = 1;
const ACK: u16 = 4;
const DUMP: u16 = 0x300;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const CONNTRACK_GET: u16 = 1 << 8 | 1;
const CONNTRACK_DELETE: u16 = 1 << 8 | 2;
const TUPLE_ORIGINAL: u16 = 1;
const TUPLE_REPLY: u16 = 2;
const ID: u16 = 12;
const TUPLE_ADDRESSES: u16 = 1;
const SOURCE: u16 = 1;
const DESTINATION: u16 = 2;
const TYPE_MASK: u16 = 0x3fff;
const HEADER: usize = 16;
const FAMILY_HEADER: usize = 4;
const NOT_FOUND: i32 = 2;

/// The four addresses of an entry; they differ in pairs where it is translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// Source and destination as the first packet had them.
    pub original: (Ipv4Addr, Ipv4Addr),
    /// Source and destination that an answer has when it comes in.
    pub reply: (Ipv4Addr, Ipv4Addr),
}

/// True if the entry belongs to a vacated private address, or translates a public address otherwise than
/// `public_to_private` says now.
pub fn is_stale(flow: &Flow, vacated: &BTreeSet<Ipv4Addr>, public_to_private: &BTreeMap<Ipv4Addr, Ipv4Addr>) -> bool {
    let Flow { original, reply } = flow;
    let is_vacated = [original.0, original.1, reply.0, reply.1].iter().any(|address| vacated.contains(address));
    let inward_changed = reply.0 != original.1 && public_to_private.get(&original.1) != Some(&reply.0);
    let outward_changed = reply.1 != original.0 && public_to_private.get(&reply.1) != Some(&original.0);
    is_vacated || inward_changed || outward_changed
}

/// Deletes the entries of the calling thread's namespace that `is_stale` names; gives their number.
pub fn purge(is_stale: impl Fn(&Flow) -> bool) -> io::Result<usize> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, Some(netlink::NETFILTER))?;
    bind(&socket, &SocketAddrNetlink::new(0, 0))?;
    set_socket_timeout(&socket, Timeout::Recv, Some(Duration::from_secs(5)))?;
    send(&socket, &message(CONNTRACK_GET, REQUEST | DUMP, &[]), SendFlags::empty())?;
    let mut keys = Vec::new();
    receive(&socket, |payload| {
        if let Some((flow, key)) = entry(payload)
            && is_stale(&flow)
        {
            keys.push(key);
        }
    })?;
    let mut deleted = 0;
    for key in keys {
        send(&socket, &message(CONNTRACK_DELETE, REQUEST | ACK, &key), SendFlags::empty())?;
        match receive(&socket, |_| ()) {
            Err(error) if error.raw_os_error() == Some(NOT_FOUND) => {}
            other => {
                other?;
                deleted += 1;
            }
        }
    }
    Ok(deleted)
}

fn message(kind: u16, flags: u16, attributes: &[u8]) -> Vec<u8> {
    const AF_INET: u8 = 2;
    let length = (HEADER + FAMILY_HEADER + attributes.len()) as u32;
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&flags.to_ne_bytes());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&[AF_INET, 0, 0, 0]);
    bytes.extend_from_slice(attributes);
    bytes
}

/// Reads messages up to the end of the dump or the acknowledgement.
fn receive(socket: &OwnedFd, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let (length, _) = recv(socket, buffer.as_mut_slice(), RecvFlags::empty())?;
        let mut rest = &buffer[..length];
        while let Some((size, kind)) = message_head(rest) {
            let payload = &rest[HEADER..size];
            match kind {
                DONE => return Ok(()),
                ERROR => {
                    let code = payload.first_chunk().map_or(-5, |bytes| i32::from_ne_bytes(*bytes));
                    return if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-code)) };
                }
                _ => each(payload),
            }
            rest = rest.get(size.next_multiple_of(4)..).unwrap_or(&[]);
        }
    }
}

fn message_head(bytes: &[u8]) -> Option<(usize, u16)> {
    let size = u32::from_ne_bytes(*bytes.first_chunk()?) as usize;
    let kind = u16::from_ne_bytes(*bytes.get(4..)?.first_chunk()?);
    (HEADER..=bytes.len()).contains(&size).then_some((size, kind))
}

/// The entry's addresses, and the attributes that name it when it is to be deleted.
fn entry(payload: &[u8]) -> Option<(Flow, Vec<u8>)> {
    let attributes: Vec<(u16, &[u8], &[u8])> = attributes(payload.get(FAMILY_HEADER..)?).collect();
    let find = |kind: u16| attributes.iter().find(|attribute| attribute.0 == kind);
    let tuple = |kind: u16| {
        let addresses = attributes_of(find(kind)?.1, TUPLE_ADDRESSES)?;
        let address = |kind| attributes_of(addresses, kind)?.first_chunk::<4>().map(|bytes| Ipv4Addr::from(*bytes));
        Some((address(SOURCE)?, address(DESTINATION)?))
    };
    let flow = Flow { original: tuple(TUPLE_ORIGINAL)?, reply: tuple(TUPLE_REPLY)? };
    let mut key = find(TUPLE_ORIGINAL)?.2.to_vec();
    key.extend_from_slice(find(ID).map_or(&[], |id| id.2));
    Some((flow, key))
}

fn attributes_of(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find(|attribute| attribute.0 == kind).map(|attribute| attribute.1)
}

/// Type, value, and the whole with head and padding, one attribute after the other.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8], &[u8])> {
    std::iter::from_fn(move || {
        let length = u16::from_ne_bytes(*bytes.first_chunk()?) as usize;
        let kind = u16::from_ne_bytes(*bytes.get(2..)?.first_chunk()?) & TYPE_MASK;
        let value = bytes.get(4..length)?;
        let padded = length.next_multiple_of(4).min(bytes.len());
        let whole = &bytes[..padded];
        bytes = &bytes[padded..];
        Some((kind, value, whole))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::net::Ipv4Addr;

    use super::{Flow, is_stale};

    const A: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 10);
    const B: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 11);
    const PUBLIC_A: Ipv4Addr = Ipv4Addr::new(198, 18, 37, 10);
    const PUBLIC_B: Ipv4Addr = Ipv4Addr::new(198, 18, 37, 11);
    const OUTSIDE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    #[track_caller]
    fn check(original: (Ipv4Addr, Ipv4Addr), reply: (Ipv4Addr, Ipv4Addr), vacated: &[Ipv4Addr], expected: bool) {
        let map = BTreeMap::from([(PUBLIC_A, A), (PUBLIC_B, B)]);
        let vacated: BTreeSet<Ipv4Addr> = vacated.iter().copied().collect();
        assert_eq!(is_stale(&Flow { original, reply }, &vacated, &map), expected);
    }

    #[test]
    fn stale_is_what_has_another_owner() {
        check((A, B), (B, A), &[], false);
        check((A, B), (B, A), &[B], true);
        check((OUTSIDE, PUBLIC_A), (A, OUTSIDE), &[], false);
        check((OUTSIDE, PUBLIC_A), (A, OUTSIDE), &[A], true);
        check((OUTSIDE, PUBLIC_A), (B, OUTSIDE), &[], true);
        check((A, OUTSIDE), (OUTSIDE, PUBLIC_A), &[], false);
        check((A, OUTSIDE), (OUTSIDE, PUBLIC_B), &[], true);
        // From one guest to the other's public address: the first of the two entries knows only the public one.
        check((A, PUBLIC_B), (PUBLIC_B, PUBLIC_A), &[], false);
    }
}
