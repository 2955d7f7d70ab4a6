//! Addresses that somebody else chose: a caller's image, an upstream's result. They may not lead into our own network.
//!
//! What a name means is checked when it is resolved, for this very connection, so that a name that means something else a moment later
//! gains nothing. A URL that is an address itself is asked of no resolver: it is checked before.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

/// Whether addresses of our own network may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PrivateAddresses {
    /// They may not.
    #[default]
    Refused,
    /// The operator allows it.
    Allowed,
}

impl PrivateAddresses {
    /// Whether `address` may be called.
    pub(super) fn admits(self, address: IpAddr) -> bool {
        self == Self::Allowed || is_public(address)
    }
}

/// Whether an address is one of the public internet. Source: IANA's registries of special-purpose addresses.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        // Carriers' own (RFC 6598), protocol assignments, benchmarks, reserved.
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (b == 18 || b == 19))
        || a >= 240;
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // 2000::/3 is all that is given out; in it documentation (2001:db8::/32) and the like (2001::/23) are not.
    (first & 0xe000) == 0x2000 && !(first == 0x2001 && (second < 0x200 || second == 0xdb8)) && first != 0x2002
}

/// IPv4 inside IPv6: mapped, compatible, or translated (64:ff9b::/96).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let tail = Ipv4Addr::from((u32::from(segments[6]) << 16) | u32::from(segments[7]));
    let mapped = segments[..5] == [0; 5] && (segments[5] == 0xffff || segments[5] == 0);
    let translated = segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    (mapped || translated).then_some(tail)
}

/// Resolves names, and leaves out what may not be called.
#[derive(Debug, Clone, Copy)]
pub(super) struct GuardedResolver(pub(super) PrivateAddresses);

/// The code of failures that come of it.
pub(super) const PRIVATE: &str = "private_address";

/// A name that leads nowhere that may be called.
#[derive(Debug, thiserror::Error)]
#[error("the address leads into a private network")]
pub(super) struct Private;

impl Private {
    /// Whether it is among the causes of an error.
    pub(super) fn is_in(error: &(dyn std::error::Error + 'static)) -> bool {
        let mut cause = Some(error);
        while let Some(error) = cause {
            // An I/O error's source is that of what it holds, which it passes over.
            let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            if error.is::<Self>() || held.is_some_and(|held| held.is::<Self>()) {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allowed = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let fit: Vec<SocketAddr> = found.into_iter().filter(|address| allowed.admits(address.ip())).collect();
            if fit.is_empty() { Err(io::Error::new(io::ErrorKind::PermissionDenied, Private)) } else { Ok(fit.into_iter()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_into_our_own_network_is_not_called() {
        let name = || "localhost".parse::<Name>().unwrap();
        let refused = GuardedResolver(PrivateAddresses::Refused).call(name()).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert!(GuardedResolver(PrivateAddresses::Allowed).call(name()).await.unwrap().next().is_some());
    }

    #[test]
    fn our_own_network_is_not_the_public_internet() {
        let private = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2001:db8::1",
            "2002:7f00:1::",
        ];
        for address in private {
            assert!(!PrivateAddresses::Refused.admits(address.parse().unwrap()), "{address}");
            assert!(PrivateAddresses::Allowed.admits(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(PrivateAddresses::Refused.admits(address.parse().unwrap()), "{address}");
        }
    }
}
