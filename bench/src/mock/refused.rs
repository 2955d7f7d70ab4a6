//! An address where nobody listens, for as long as it is kept.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::net::TcpSocket;

/// A port that refuses connections. It is bound but not listening, so that no other test can be given the same port meanwhile.
#[derive(Debug)]
pub struct RefusedAddress {
    addr: SocketAddr,
    _socket: TcpSocket,
}

impl RefusedAddress {
    /// Takes a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When there is none.
    pub fn take() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        Ok(Self { addr: socket.local_addr()?, _socket: socket })
    }

    /// The address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL of a platform there.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }
}
