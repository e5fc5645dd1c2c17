//! DHCP for one tap: the one client there gets its interface's address, always the same, and nobody gets another.
//! Rule sources: RFC 2131; VPC user guide, "DHCP option sets".
//! Not here: a pool, leases to remember, relays.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use dhcproto::v4::{DhcpOption, Message, MessageType, Opcode, OptionCode};
use dhcproto::{Decodable, Decoder, Encodable, Encoder};
use host::NetworkSpec;
use tokio::net::UdpSocket;
use tokio::sync::watch;

use super::address::{gateway, mask, resolver};
use super::serve::Served;

/// One hour, as EC2 gives.
const LEASE: u32 = 3600;
const MTU: u16 = 1500;
const CLIENT_PORT: u16 = 68;

/// Answers on a socket that is bound to the tap of the interface with this address. Ends when the interface is gone.
pub async fn serve(socket: UdpSocket, address: Ipv4Addr, served: watch::Receiver<Arc<Served>>) {
    let mut buffer = vec![0; 1500];
    loop {
        let length = match socket.recv_from(&mut buffer).await {
            Ok((length, _)) => length,
            Err(error) => {
                tracing::debug!(%address, %error, "DHCP socket ended");
                return;
            }
        };
        let now = served.borrow().clone();
        let Some((bytes, to)) = answer(&buffer[..length], &now.spec, address) else { continue };
        if let Err(error) = socket.send_to(&bytes, to).await {
            tracing::debug!(%address, %error, "DHCP answer not sent");
        }
    }
}

/// The answer to one datagram and where it goes; nothing if none is due.
pub(super) fn answer(datagram: &[u8], spec: &NetworkSpec, address: Ipv4Addr) -> Option<(Vec<u8>, SocketAddr)> {
    let request = Message::decode(&mut Decoder::new(&with_known_options(datagram)?)).ok()?;
    let interface = spec.interfaces.iter().find(|interface| interface.private_ip == address)?;
    let subnet = spec.subnets.iter().find(|subnet| subnet.id == interface.subnet)?.cidr;
    let router = gateway(subnet);
    let is_ours = request.opcode() == Opcode::BootRequest
        && request.giaddr().is_unspecified()
        && request.hlen() == 6
        && request.chaddr().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":") == interface.mac;
    if !is_ours {
        return None;
    }
    let asked = match request.opts().get(OptionCode::RequestedIpAddress) {
        Some(DhcpOption::RequestedIpAddress(asked)) => Some(*asked),
        _ => Some(request.ciaddr()).filter(|address| !address.is_unspecified()),
    };
    let chosen = match request.opts().get(OptionCode::ServerIdentifier) {
        Some(DhcpOption::ServerIdentifier(server)) => Some(*server),
        _ => None,
    };
    let kind = match request.opts().get(OptionCode::MessageType)? {
        DhcpOption::MessageType(MessageType::Discover) => MessageType::Offer,
        DhcpOption::MessageType(MessageType::Request) if chosen.is_some_and(|server| server != router) => return None,
        DhcpOption::MessageType(MessageType::Request) if asked == Some(address) => MessageType::Ack,
        DhcpOption::MessageType(MessageType::Request) => MessageType::Nak,
        DhcpOption::MessageType(MessageType::Inform) => MessageType::Ack,
        _ => return None,
    };
    let is_inform =
        matches!(request.opts().get(OptionCode::MessageType), Some(DhcpOption::MessageType(MessageType::Inform)));

    let given = if kind == MessageType::Nak || is_inform { Ipv4Addr::UNSPECIFIED } else { address };
    let unset = Ipv4Addr::UNSPECIFIED;
    let mut reply = Message::new_with_id(request.xid(), unset, given, unset, unset, request.chaddr());
    reply.set_opcode(Opcode::BootReply).set_flags(request.flags());
    let options = reply.opts_mut();
    options.insert(DhcpOption::MessageType(kind));
    options.insert(DhcpOption::ServerIdentifier(router));
    if kind != MessageType::Nak {
        let (host_name, domain) = interface.host_name.split_once('.').unwrap_or((&interface.host_name, ""));
        if !is_inform {
            options.insert(DhcpOption::AddressLeaseTime(LEASE));
            options.insert(DhcpOption::Renewal(LEASE / 2));
            options.insert(DhcpOption::Rebinding(LEASE / 8 * 7));
        }
        options.insert(DhcpOption::SubnetMask(mask(subnet.1)));
        options.insert(DhcpOption::Router(vec![router]));
        options.insert(DhcpOption::DomainNameServer(vec![resolver(spec.cidr)]));
        options.insert(DhcpOption::Hostname(host_name.to_owned()));
        if !domain.is_empty() {
            options.insert(DhcpOption::DomainName(domain.to_owned()));
        }
        options.insert(DhcpOption::InterfaceMtu(MTU));
    }
    let mut bytes = Vec::with_capacity(320);
    reply.encode(&mut Encoder::new(&mut bytes)).ok()?;
    // BOOTP's smallest packet: some clients drop what is shorter.
    bytes.resize(bytes.len().max(300), 0);
    let to = match request.ciaddr() {
        own if own == address && kind == MessageType::Ack => own,
        _ => Ipv4Addr::BROADCAST,
    };
    Some((bytes, (to, CLIENT_PORT).into()))
}

/// The same datagram with those options only that matter here. The decoder panics on some others that are malformed
/// (dhcproto 0.15.0, `ClientFQDN` of less than three bytes), and what a guest sends must not end its server.
fn with_known_options(datagram: &[u8]) -> Option<Vec<u8>> {
    const FIXED: usize = 240;
    const KNOWN: [u8; 3] = [50, 53, 54];
    const PAD: u8 = 0;
    const END: u8 = 255;
    let (fixed, mut rest) = datagram.split_at_checked(FIXED)?;
    let mut bytes = fixed.to_vec();
    while let Some((&code, after)) = rest.split_first().filter(|(code, _)| **code != END) {
        if code == PAD {
            rest = after;
            continue;
        }
        let length = 2 + usize::from(*after.first()?);
        let (option, others) = rest.split_at_checked(length)?;
        if KNOWN.contains(&code) {
            bytes.extend_from_slice(option);
        }
        rest = others;
    }
    bytes.push(END);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use dhcproto::v4::{DhcpOption, Message, MessageType, OptionCode};
    use dhcproto::{Decodable, Decoder, Encodable, Encoder};

    use super::answer;
    use crate::network::fixture;

    const OWN: Ipv4Addr = Ipv4Addr::new(172, 31, 0, 10);
    const NONE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

    fn ask(kind: MessageType, mac: u8, ciaddr: Ipv4Addr, options: &[DhcpOption]) -> Option<(Message, String)> {
        let mut message = Message::new_with_id(7, ciaddr, NONE, NONE, NONE, &[2, 0, 0, 0, 0, mac]);
        message.opts_mut().insert(DhcpOption::MessageType(kind));
        for option in options {
            message.opts_mut().insert(option.clone());
        }
        let mut bytes = Vec::new();
        message.encode(&mut Encoder::new(&mut bytes)).unwrap();
        let (bytes, to) = answer(&bytes, &fixture::pair(), OWN)?;
        Some((Message::decode(&mut Decoder::new(&bytes)).unwrap(), to.to_string()))
    }

    fn kind(message: &Message) -> MessageType {
        match message.opts().get(OptionCode::MessageType) {
            Some(DhcpOption::MessageType(kind)) => *kind,
            other => panic!("no message type but {other:?}"),
        }
    }

    #[test]
    fn the_offer_is_the_interface() {
        let (offer, to) = ask(MessageType::Discover, 10, NONE, &[]).unwrap();
        assert_eq!((kind(&offer), offer.yiaddr(), offer.xid()), (MessageType::Offer, OWN, 7));
        assert_eq!(to, "255.255.255.255:68");
        for option in [
            DhcpOption::SubnetMask([255, 255, 240, 0].into()),
            DhcpOption::Router(vec![[172, 31, 0, 1].into()]),
            DhcpOption::DomainNameServer(vec![[172, 31, 0, 2].into()]),
            DhcpOption::Hostname("ip-172-31-0-10".into()),
            DhcpOption::DomainName("ec2.internal".into()),
            DhcpOption::AddressLeaseTime(3600),
            DhcpOption::InterfaceMtu(1500),
        ] {
            assert_eq!(offer.opts().get(OptionCode::from(&option)), Some(&option));
        }
    }

    #[test]
    fn options_that_the_decoder_panics_on_do_not_end_the_server() {
        let (route_wider_than_an_address, short_name) = ([121, 5, 40, 1, 1, 1, 1], [81, 1, 0]);
        for option in [&route_wider_than_an_address[..], &short_name] {
            let mut message = Message::new_with_id(7, NONE, NONE, NONE, NONE, &[2, 0, 0, 0, 0, 10]);
            message.opts_mut().insert(DhcpOption::MessageType(MessageType::Discover));
            let mut bytes = Vec::new();
            message.encode(&mut Encoder::new(&mut bytes)).unwrap();
            bytes.splice(240..240, option.iter().copied());
            assert!(answer(&bytes, &fixture::pair(), OWN).is_some());
            assert!(answer(&bytes[..242], &fixture::pair(), OWN).is_none());
        }
    }

    #[test]
    fn requests() {
        let asked = |address: [u8; 4]| DhcpOption::RequestedIpAddress(address.into());
        let server = |address: [u8; 4]| DhcpOption::ServerIdentifier(address.into());
        let own = asked([172, 31, 0, 10]);
        let (ack, _) = ask(MessageType::Request, 10, NONE, &[own.clone(), server([172, 31, 0, 1])]).unwrap();
        assert_eq!((kind(&ack), ack.yiaddr()), (MessageType::Ack, OWN));
        let (renewed, to) = ask(MessageType::Request, 10, OWN, &[]).unwrap();
        assert_eq!((kind(&renewed), to.as_str()), (MessageType::Ack, "172.31.0.10:68"));
        let (nak, to) = ask(MessageType::Request, 10, NONE, &[asked([172, 31, 0, 11])]).unwrap();
        assert_eq!((kind(&nak), nak.yiaddr(), to.as_str()), (MessageType::Nak, NONE, "255.255.255.255:68"));
        assert!(
            ask(MessageType::Request, 10, NONE, &[own, server([10, 0, 0, 1])]).is_none(),
            "another server's client"
        );
        assert!(ask(MessageType::Discover, 11, NONE, &[]).is_none(), "another interface's MAC address");
        assert!(ask(MessageType::Release, 10, OWN, &[]).is_none());
    }
}
