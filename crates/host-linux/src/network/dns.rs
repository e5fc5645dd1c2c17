//! The VPC's resolver: names and addresses of its interfaces, and for the rest the resolvers of the configuration.
//! Rule source: VPC user guide, "DNS attributes for your VPC". Not here: a cache, private zones.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, PTR};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::address::METADATA;
use super::serve::Served;

/// Questions in the upstream's hands, and TCP connections, at a time; a question beyond is refused.
const AT_A_TIME: usize = 64;
const UPSTREAM_LIMIT: Duration = Duration::from_secs(2);
const CONNECTION_LIMIT: Duration = Duration::from_secs(10);
const TTL: u32 = 60;
const PAUSE: Duration = Duration::from_millis(50);

/// One VPC's resolver, shared by its sockets.
#[derive(Clone)]
pub struct Resolver {
    served: watch::Receiver<Arc<Served>>,
    upstream: Arc<[SocketAddr]>,
    forwards: Arc<Semaphore>,
    connections: Arc<Semaphore>,
}

/// What is to be done with a question.
pub(super) enum Verdict {
    Answer(Vec<u8>),
    Forward,
    Ignore,
}

impl Resolver {
    /// A resolver that answers from what `served` holds, and asks `upstream` for the rest.
    pub fn new(served: watch::Receiver<Arc<Served>>, upstream: Arc<[SocketAddr]>) -> Self {
        let permits = || Arc::new(Semaphore::new(AT_A_TIME));
        Self { served, upstream, forwards: permits(), connections: permits() }
    }

    /// Answers datagrams until dropped.
    pub async fn serve_udp(self, socket: UdpSocket) {
        let socket = Arc::new(socket);
        let mut forwards = JoinSet::new();
        let mut buffer = vec![0; 4096];
        loop {
            let (length, peer) = match socket.recv_from(&mut buffer).await {
                Ok(received) => received,
                Err(error) => {
                    tracing::debug!(%error, "DNS datagram not received");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            while forwards.try_join_next().is_some() {}
            let question = &buffer[..length];
            match self.decide(question) {
                Verdict::Ignore => {}
                Verdict::Answer(bytes) => drop(socket.send_to(&bytes, peer).await),
                Verdict::Forward => match self.forwards.clone().try_acquire_owned() {
                    Err(_) => drop(socket.send_to(&refusal(question, ResponseCode::ServFail), peer).await),
                    Ok(permit) => {
                        let (question, socket, resolver) = (question.to_vec(), socket.clone(), self.clone());
                        forwards.spawn(async move {
                            let _permit = permit;
                            let _ = socket.send_to(&resolver.ask_udp(&question).await, peer).await;
                        });
                    }
                },
            }
        }
    }

    /// Answers connections until dropped.
    pub async fn serve_tcp(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::debug!(%error, "DNS connection not accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            while connections.try_join_next().is_some() {}
            let Ok(permit) = self.connections.clone().try_acquire_owned() else { continue };
            let resolver = self.clone();
            connections.spawn(async move {
                let _permit = permit;
                let _ = tokio::time::timeout(CONNECTION_LIMIT, resolver.converse(stream)).await;
            });
        }
    }

    async fn converse(&self, mut stream: TcpStream) -> io::Result<()> {
        loop {
            let question = read_message(&mut stream).await?;
            let answer = match self.decide(&question) {
                Verdict::Ignore => return Ok(()),
                Verdict::Answer(bytes) => bytes,
                Verdict::Forward => self.ask_tcp(&question).await,
            };
            write_message(&mut stream, &answer).await?;
        }
    }

    fn decide(&self, question: &[u8]) -> Verdict {
        let now = self.served.borrow().clone();
        decide(question, &now, !self.upstream.is_empty())
    }

    async fn ask_udp(&self, question: &[u8]) -> Vec<u8> {
        for upstream in self.upstream.iter() {
            let ask = async {
                let any: SocketAddr =
                    if upstream.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { ([0; 8], 0).into() };
                let socket = UdpSocket::bind(any).await?;
                socket.connect(upstream).await?;
                socket.send(question).await?;
                let mut buffer = vec![0; 4096];
                loop {
                    let length = socket.recv(&mut buffer).await?;
                    if buffer[..length].get(..2) == question.get(..2) {
                        buffer.truncate(length);
                        return io::Result::Ok(buffer);
                    }
                }
            };
            if let Ok(Ok(answer)) = tokio::time::timeout(UPSTREAM_LIMIT, ask).await {
                return answer;
            }
        }
        refusal(question, ResponseCode::ServFail)
    }

    async fn ask_tcp(&self, question: &[u8]) -> Vec<u8> {
        for upstream in self.upstream.iter() {
            let ask = async {
                let mut stream = TcpStream::connect(upstream).await?;
                write_message(&mut stream, question).await?;
                read_message(&mut stream).await
            };
            if let Ok(Ok(answer)) = tokio::time::timeout(UPSTREAM_LIMIT, ask).await {
                return answer;
            }
        }
        refusal(question, ResponseCode::ServFail)
    }
}

async fn read_message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u16().await?;
    let mut bytes = vec![0; length.into()];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn write_message(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend_from_slice(message);
    stream.write_all(&bytes).await
}

fn refusal(question: &[u8], code: ResponseCode) -> Vec<u8> {
    let Ok(question) = Message::from_vec(question) else { return Vec::new() };
    encode(reply_to(&question, code))
}

fn reply_to(question: &Message, code: ResponseCode) -> Message {
    let mut reply = Message::error_msg(question.metadata.id, question.metadata.op_code, code);
    reply.metadata.recursion_desired = question.metadata.recursion_desired;
    reply.metadata.recursion_available = true;
    reply.queries = question.queries.clone();
    reply
}

fn encode(message: Message) -> Vec<u8> {
    message.to_vec().unwrap_or_default()
}

pub(super) fn decide(bytes: &[u8], served: &Served, can_forward: bool) -> Verdict {
    let Ok(question) = Message::from_vec(bytes) else { return Verdict::Ignore };
    if question.metadata.message_type != MessageType::Query {
        return Verdict::Ignore;
    }
    let [query] = question.queries.as_slice() else {
        // Without the questions: their names may be compressed, and would be written out in an answer far longer.
        let mut reply = reply_to(&question, ResponseCode::FormErr);
        reply.queries.clear();
        return Verdict::Answer(encode(reply));
    };
    if question.metadata.op_code != OpCode::Query || query.query_class() != DNSClass::IN {
        return Verdict::Answer(encode(reply_to(&question, ResponseCode::NotImp)));
    }
    let name = query.name().to_ascii().trim_end_matches('.').to_ascii_lowercase();
    let kind = query.query_type();
    let found = if let Some(address) = reverse_address(&name) {
        served.interface(address).map(|interface| (RecordType::PTR, pointer(&interface.host_name)))
    } else {
        forward_address(&name, served).map(|address| (RecordType::A, Some(RData::A(A(address)))))
    };
    let Some((record_type, data)) = found else {
        // Of our own zone we know all: what is not found there does not exist, and is nobody else's business.
        if served.spec.interfaces.iter().any(|interface| is_below_domain(&name, &interface.host_name)) {
            let mut reply = reply_to(&question, ResponseCode::NXDomain);
            reply.metadata.authoritative = true;
            return Verdict::Answer(encode(reply));
        }
        return if can_forward {
            Verdict::Forward
        } else {
            Verdict::Answer(encode(reply_to(&question, ResponseCode::Refused)))
        };
    };
    let mut reply = reply_to(&question, ResponseCode::NoError);
    reply.metadata.authoritative = true;
    if kind == record_type || kind == RecordType::ANY {
        reply.answers.extend(data.map(|data| Record::from_rdata(query.name().clone(), TTL, data)));
    }
    Verdict::Answer(encode(reply))
}

/// The address of `10.0.31.172.in-addr.arpa`.
fn reverse_address(name: &str) -> Option<Ipv4Addr> {
    let [d, c, b, a]: [u8; 4] = name
        .strip_suffix(".in-addr.arpa")?
        .split('.')
        .map(str::parse)
        .collect::<Result<Vec<_>, _>>()
        .ok()?
        .try_into()
        .ok()?;
    Some(Ipv4Addr::new(a, b, c, d))
}

fn pointer(host_name: &str) -> Option<RData> {
    Name::from_ascii(format!("{host_name}.")).ok().map(|name| RData::PTR(PTR(name)))
}

fn forward_address(name: &str, served: &Served) -> Option<Ipv4Addr> {
    let mut interfaces = served.spec.interfaces.iter();
    if name.strip_prefix("instance-data.").is_some_and(|domain| {
        interfaces.clone().any(|i| i.host_name.split_once('.').is_some_and(|(_, own)| own.eq_ignore_ascii_case(domain)))
    }) {
        return Some(METADATA);
    }
    interfaces.find(|interface| interface.host_name.eq_ignore_ascii_case(name)).map(|interface| interface.private_ip)
}

/// True for every name below the domain of this host name.
fn is_below_domain(name: &str, host_name: &str) -> bool {
    let Some((_, domain)) = host_name.split_once('.') else { return false };
    let name = name.strip_suffix(&domain.to_ascii_lowercase());
    name.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{Message, MessageType, OpCode, Query};
    use hickory_proto::rr::{Name, RecordType};

    use super::{Verdict, decide};
    use crate::network::fixture;
    use crate::network::serve::Served;

    #[track_caller]
    fn check(name: &str, kind: RecordType, can_forward: bool, expected: &str) {
        let mut question = Message::new(7, MessageType::Query, OpCode::Query);
        question.queries.push(Query::query(Name::from_ascii(name).unwrap(), kind));
        let served = Served::new(&fixture::pair());
        let text = match decide(&question.to_vec().unwrap(), &served, can_forward) {
            Verdict::Forward => "forward".to_owned(),
            Verdict::Ignore => "ignore".to_owned(),
            Verdict::Answer(bytes) => {
                let answer = Message::from_vec(&bytes).unwrap();
                assert_eq!(answer.metadata.id, 7);
                let records: Vec<String> = answer.answers.iter().map(|record| record.data.to_string()).collect();
                format!("{:?} {}", answer.metadata.response_code, records.join(" "))
            }
        };
        assert_eq!(text.trim_end(), expected, "{name}");
    }

    #[test]
    fn questions() {
        check("ip-172-31-0-10.ec2.internal.", RecordType::A, false, "NoError 172.31.0.10");
        check("IP-172-31-0-11.EC2.internal.", RecordType::A, true, "NoError 172.31.0.11");
        check("ip-172-31-0-10.ec2.internal.", RecordType::AAAA, true, "NoError");
        check("ip-172-31-0-12.ec2.internal.", RecordType::A, true, "NXDomain");
        check("instance-data.ec2.internal.", RecordType::A, true, "NoError 169.254.169.254");
        check("10.0.31.172.in-addr.arpa.", RecordType::PTR, false, "NoError ip-172-31-0-10.ec2.internal.");
        check("9.0.31.172.in-addr.arpa.", RecordType::PTR, false, "Refused");
        check("example.com.", RecordType::A, false, "Refused");
        check("example.com.", RecordType::A, true, "forward");
    }

    #[test]
    fn noise_gets_no_answer() {
        let served = Served::new(&fixture::pair());
        assert!(matches!(decide(&[1, 2, 3], &served, true), Verdict::Ignore));
        let response = Message::new(7, MessageType::Response, OpCode::Query).to_vec().unwrap();
        assert!(matches!(decide(&response, &served, true), Verdict::Ignore));
    }
}
