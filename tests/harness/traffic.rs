//! Traffic of real kernel sockets between two namespaces.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    ops::AddAssign,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};

use crate::netns::NetNs;

/// Nothing here takes longer unless a packet was lost.
const TIMEOUT: Duration = Duration::from_secs(10);

const ECHO_REQUEST_V4: u8 = 8;
const ECHO_REQUEST_V6: u8 = 128;
const ICMP_HEADER_LEN: usize = 8;

/// Who talks to whom.
#[derive(Clone, Debug)]
pub struct Path {
    /// Where the client's sockets are.
    pub client: NetNs,
    /// Where the server's sockets are.
    pub server: NetNs,
    /// The server's address.
    pub address: IpAddr,
}

/// What went over a [`Path`], seen from the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// TCP connections, UDP sockets or ICMP identifiers used.
    pub flows: u64,
    /// Payload bytes to the server.
    pub sent: u64,
    /// Payload bytes from the server.
    pub received: u64,
}

impl AddAssign for Done {
    fn add_assign(&mut self, other: Self) {
        self.flows += other.flows;
        self.sent += other.sent;
        self.received += other.received;
    }
}

impl Path {
    /// One TCP connection after the other: `request` bytes to the server, `response` bytes back,
    /// and a close from both sides: the client's when it has the whole answer, then the server's.
    pub fn tcp(&self, connections: u64, request: usize, response: usize) -> Result<Done> {
        let listener = self.server.run(|| {
            TcpListener::bind((self.address, 0))
                .with_context(|| format!("cannot listen on {}", self.address))
        })?;
        let address = listener.local_addr()?;
        let mut done = Done::default();
        for _ in 0..connections {
            let client = self.client.run(|| {
                TcpStream::connect_timeout(&address, TIMEOUT)
                    .with_context(|| format!("cannot connect to {address}"))
            })?;
            let (server, _) = listener.accept()?;
            let (sent, received) = exchange(client, server, request, response)
                .with_context(|| format!("TCP connection to {address}"))?;
            done += Done {
                flows: 1,
                sent,
                received,
            };
        }
        Ok(done)
    }

    /// A TCP connection that takes `bytes` bytes to the server and as many back, each of which is compared
    /// with what was sent; returns the time that it took.
    pub fn transfer(&self, bytes: usize) -> Result<Duration> {
        let listener = self
            .server
            .run(|| Ok(TcpListener::bind((self.address, 0))?))?;
        let address = listener.local_addr()?;
        let begin = Instant::now();
        let client = self
            .client
            .run(|| Ok(TcpStream::connect_timeout(&address, TIMEOUT)?))?;
        let (server, _) = listener.accept()?;
        for end in [&client, &server] {
            end.set_read_timeout(Some(TIMEOUT))?;
            end.set_write_timeout(Some(TIMEOUT))?;
        }
        thread::scope(|scope| {
            let serving = scope.spawn(|| {
                receive_pattern(&server, bytes, 1)?;
                send_pattern(&server, bytes, 2)
            });
            send_pattern(&client, bytes, 1)?;
            receive_pattern(&client, bytes, 2)?;
            serving
                .join()
                .map_err(|_| anyhow!("the server's thread panicked"))?
        })?;
        Ok(begin.elapsed())
    }

    /// `flows` UDP sockets that each send `requests` datagrams of `request` bytes and get each
    /// answered with `response` bytes.
    pub fn udp(&self, flows: u64, requests: u64, request: usize, response: usize) -> Result<Done> {
        let server = self.server.run(|| {
            UdpSocket::bind((self.address, 0))
                .with_context(|| format!("cannot bind a UDP socket to {}", self.address))
        })?;
        server.set_read_timeout(Some(TIMEOUT))?;
        let mut buffer = vec![0; request.max(response)];
        let mut done = Done::default();
        for _ in 0..flows {
            let client = self.client_udp(server.local_addr()?)?;
            done.flows += 1;
            for _ in 0..requests {
                done.sent += client.send(&vec![b'q'; request])? as u64;
                let (_, from) = server.recv_from(&mut buffer).context("UDP request lost")?;
                server.send_to(&vec![b'a'; response], from)?;
                done.received += client.recv(&mut buffer).context("UDP answer lost")? as u64;
            }
        }
        Ok(done)
    }

    /// One socket that sends `requests` ICMP or ICMPv6 echo requests, each with `payload` bytes
    /// after its header, and waits for each reply. Bytes are counted without the ICMP header.
    pub fn echo(&self, requests: u16, payload: usize) -> Result<Done> {
        let socket = self.client.run(|| self.echo_socket())?;
        let mut message = vec![b'e'; ICMP_HEADER_LEN + payload];
        let mut reply = message.clone();
        message[..ICMP_HEADER_LEN].fill(0);
        message[0] = if self.address.is_ipv4() {
            ECHO_REQUEST_V4
        } else {
            ECHO_REQUEST_V6
        };
        let mut done = Done {
            flows: 1,
            ..Done::default()
        };
        for sequence in 1..=requests {
            message[6..ICMP_HEADER_LEN].copy_from_slice(&sequence.to_be_bytes());
            let sent = socket
                .send(&message)
                .context("cannot send an ICMP echo request")?;
            let received = socket
                .recv(&mut reply)
                .with_context(|| format!("no ICMP echo reply from {}", self.address))?;
            done.sent += (sent - ICMP_HEADER_LEN) as u64;
            done.received += received.saturating_sub(ICMP_HEADER_LEN) as u64;
        }
        Ok(done)
    }

    fn client_udp(&self, server: SocketAddr) -> Result<UdpSocket> {
        self.client.run(|| {
            let unspecified = SocketAddr::new(unspecified(self.address), 0);
            let socket = UdpSocket::bind(unspecified)?;
            socket
                .connect(server)
                .with_context(|| format!("no route to {server}"))?;
            socket.set_read_timeout(Some(TIMEOUT))?;
            Ok(socket)
        })
    }

    /// The kernel's "ping socket": it fills in identifier and checksum, and is otherwise used as
    /// a UDP socket is.
    fn echo_socket(&self) -> Result<UdpSocket> {
        const GROUPS: &str = "/proc/sys/net/ipv4/ping_group_range";
        fs::write(GROUPS, "0 2147483647").with_context(|| format!("cannot write {GROUPS}"))?;
        let (family, protocol) = match self.address {
            IpAddr::V4(_) => (AddressFamily::Inet, SockProtocol::Icmp),
            IpAddr::V6(_) => (AddressFamily::Inet6, SockProtocol::IcmpV6),
        };
        let socket = socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, protocol)
            .context("cannot make an ICMP socket")?;
        let socket = UdpSocket::from(socket);
        socket.connect((self.address, 0))?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        Ok(socket)
    }
}

/// Bytes that repeat themselves only after a number of them that is no multiple of a segment.
fn pattern(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    };
    (0..99_991).map(|_| next()).collect()
}

/// Sends `bytes` bytes of a pattern and no more.
fn send_pattern(mut stream: &TcpStream, bytes: usize, seed: u64) -> Result<()> {
    let pattern = pattern(seed);
    let mut left = bytes;
    while left > 0 {
        let part = &pattern[..pattern.len().min(left)];
        stream.write_all(part)?;
        left -= part.len();
    }
    Ok(stream.shutdown(Shutdown::Write)?)
}

/// Receives `bytes` bytes of a pattern, and the end.
fn receive_pattern(mut stream: &TcpStream, bytes: usize, seed: u64) -> Result<()> {
    let pattern = pattern(seed);
    let mut got = pattern.clone();
    let mut left = bytes;
    while left > 0 {
        let part = pattern.len().min(left);
        stream.read_exact(&mut got[..part])?;
        ensure!(
            got[..part] == pattern[..part],
            "what was received is not what was sent"
        );
        left -= part;
    }
    ensure!(stream.read(&mut got)? == 0, "more was received than sent");
    Ok(())
}

fn unspecified(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// Request, answer, and a close from both sides; returns the bytes that the other side got.
fn exchange(
    mut client: TcpStream,
    mut server: TcpStream,
    request: usize,
    response: usize,
) -> Result<(u64, u64)> {
    for end in [&client, &server] {
        end.set_read_timeout(Some(TIMEOUT))?;
        end.set_write_timeout(Some(TIMEOUT))?;
    }
    thread::scope(|scope| {
        let answering = scope.spawn(move || -> Result<u64> {
            let mut got = vec![0; request];
            server.read_exact(&mut got).context("request")?;
            server
                .write_all(&vec![b'a'; response])
                .context("response")?;
            let surplus = server.read_to_end(&mut got).context("close")?;
            Ok((request + surplus) as u64)
        });
        client.write_all(&vec![b'q'; request])?;
        let mut got = vec![0; response];
        client.read_exact(&mut got)?;
        client.shutdown(Shutdown::Write)?;
        let surplus = client.read_to_end(&mut got)?;
        let sent = answering
            .join()
            .map_err(|_| anyhow!("the server's thread panicked"))??;
        ensure!(
            (sent, surplus) == (request as u64, 0),
            "{sent} of {request} bytes went there, {} of {response} came back",
            response + surplus
        );
        Ok((sent, response as u64))
    })
}
