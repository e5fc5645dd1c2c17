//! What must hold for any bytes that a guest sends to its DHCP and DNS servers. Panics if it does not.

use std::net::Ipv4Addr;

use dhcproto::v4::{Message as Lease, Opcode};
use dhcproto::{Decodable, Decoder};
use hickory_proto::op::{Message, MessageType};

use super::serve::Served;
use super::{dhcp, dns, fixture};

const OWN: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 10);

/// A guest is given its own address or none, in a packet that can be read.
pub fn dhcp(datagram: &[u8]) {
    let Some((bytes, to)) = dhcp::answer(datagram, &fixture::pair(), OWN) else { return };
    assert!((300..=1500).contains(&bytes.len()), "{} bytes", bytes.len());
    assert!(to.port() == 68 && [OWN.into(), Ipv4Addr::BROADCAST.into()].contains(&to.ip()), "sent to {to}");
    let reply = Lease::decode(&mut Decoder::new(&bytes)).unwrap_or_else(|error| panic!("{error}"));
    assert!(reply.opcode() == Opcode::BootReply && [OWN, Ipv4Addr::UNSPECIFIED].contains(&reply.yiaddr()));
}

/// A guest is answered what it asked, under the id of its question, in a message that can be read and is not much
/// larger than the question.
pub fn dns(question: &[u8]) {
    let served = Served::new(&fixture::pair());
    for can_forward in [false, true] {
        let dns::Verdict::Answer(bytes) = dns::decide(question, &served, can_forward) else { continue };
        assert_eq!(bytes.get(..2), question.get(..2), "another question's id");
        assert!(bytes.len() <= question.len() + 512, "{} bytes became {}", question.len(), bytes.len());
        let reply = Message::from_vec(&bytes).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(reply.metadata.message_type, MessageType::Response);
    }
}
