//! The addresses of this machine, as far as others may reach it by them.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses that a server hears under that listens on `listen`: that one, or all of the machine's if it is none in
/// particular. Those that lead nowhere else (link-local ones, the block that public addresses of regions come from) are
/// left out. In an order that does not change by itself.
pub fn heard_under(listen: IpAddr) -> Vec<IpAddr> {
    if !listen.is_unspecified() {
        return vec![listen];
    }
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let mut found: Vec<IpAddr> = parse_v4(&read("/proc/net/fib_trie")).into_iter().map(IpAddr::V4).collect();
    if listen.is_ipv6() {
        found.extend(parse_v6(&read("/proc/net/if_inet6")).into_iter().map(IpAddr::V6));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The addresses in `/proc/net/fib_trie`: each is followed by a line that says that it is the host's own.
fn parse_v4(text: &str) -> Vec<Ipv4Addr> {
    let mut last = None;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL" {
            found.extend(last.filter(is_reachable_v4));
        }
    }
    found
}

fn is_reachable_v4(address: &Ipv4Addr) -> bool {
    let of_regions = address.octets()[0] == 198 && address.octets()[1] & 0xfe == 18;
    !address.is_loopback() && !address.is_link_local() && !of_regions
}

/// The addresses in `/proc/net/if_inet6`, which begin its lines as 32 hexadecimal digits.
fn parse_v6(text: &str) -> Vec<Ipv6Addr> {
    let first = |line: &str| u128::from_str_radix(line.split_ascii_whitespace().next()?, 16).ok();
    let found = text.lines().filter_map(first).map(Ipv6Addr::from_bits);
    found.filter(|address| !address.is_loopback() && !address.is_unicast_link_local()).collect()
}

#[cfg(test)]
mod tests {
    use super::{heard_under, parse_v4, parse_v6};

    #[test]
    fn the_kernel_s_tables_are_read() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     |-- 127.0.0.1\n        \
                    /32 host LOCAL\n     |-- 192.0.2.0\n        /24 link UNICAST\n     |-- 192.0.2.2\n        /32 host \
                    LOCAL\n     |-- 198.19.7.1\n        /32 host LOCAL\n     |-- 192.0.2.255\n        /32 link BROADCAST\n";
        assert_eq!(parse_v4(trie), ["192.0.2.2".parse::<std::net::Ipv4Addr>().unwrap()]);
        let six = "fe8000000000000000fc00fffe000001 04 40 20 80     eth0\n\
                   00000000000000000000000000000001 01 80 10 80       lo\n\
                   fd000000000000000000000000000002 04 40 00 82     eth0\n";
        assert_eq!(parse_v6(six), ["fd00::2".parse::<std::net::Ipv6Addr>().unwrap()]);
    }

    #[test]
    fn a_particular_address_is_the_only_one() {
        let one = "10.1.2.3".parse().unwrap();
        assert_eq!(heard_under(one), [one]);
    }
}
