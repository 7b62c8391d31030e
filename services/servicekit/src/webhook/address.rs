//! Which addresses webhooks may reach: public ones, and those that the operator allows.
//! Names are resolved here and the connection goes to what was checked, so that a name cannot change in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// IPv4 networks that are not public (IANA IPv4 Special-Purpose Address Registry; multicast; reserved).
const PRIVATE_V4: [Ipv4Net; 15] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// IPv6 addresses are public within global unicast (RFC 4291), and there not in these (IANA IPv6 Special-Purpose Address
/// Registry): protocol assignments with Teredo, documentation, 6to4, which hides an IPv4 address.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 3);
const PRIVATE_V6: [Ipv6Net; 4] = [v6(0x2001, 0, 23), v6(0x2001, 0xdb8, 32), v6(0x2002, 0, 16), v6(0x3fff, 0, 20)];

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(first: u16, second: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0), length)
}

/// Whether anybody on the internet can have the address; one of IPv4 inside IPv6 is taken for what it is.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !PRIVATE_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address) && !PRIVATE_V6.iter().any(|network| network.contains(&address))
        }
    }
}

/// The addresses that a kind of connection may go to.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    /// Whether every public address is among them.
    pub(super) public: bool,
    /// The networks that the operator allows.
    pub(super) allowed: Arc<[IpNet]>,
}

impl Reach {
    /// Whether a connection may go to this address.
    pub(super) fn covers(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        (self.public && is_public(address)) || self.allowed.iter().any(|network| network.contains(&address))
    }

    /// The refusal of a host that has no such address; which others it has is not for whoever made the webhook.
    pub(super) fn refusal(&self, host: &str) -> OutOfReach {
        let what = if self.public { "public addresses" } else { "addresses in allowed networks, being plain http," };
        OutOfReach(format!(
            "{what} only are reached, and {host} has none: an operator allows others with --webhook-allow"
        ))
    }
}

/// A host that may not be connected to.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct OutOfReach(String);

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let mut within = found;
            within.retain(|address| reach.covers(address.ip()));
            if within.is_empty() {
                return Err(reach.refusal(name.as_str()).into());
            }
            Ok(Box::new(within.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(public: bool, allowed: &[&str]) -> Reach {
        Reach { public, allowed: allowed.iter().map(|network| network.parse().unwrap()).collect() }
    }

    #[test]
    fn only_public_addresses_are_reached_unless_others_are_allowed() {
        let open = reach(true, &[]);
        for public in ["1.1.1.1", "93.184.216.34", "100.128.0.1", "2606:4700::1111", "2001:4860:4860::8888"] {
            assert!(open.covers(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "2001:0:7f00:1::",
            "2001:db8::1",
            "2002:7f00:1::",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!open.covers(private.parse().unwrap()), "{private}");
        }
        let allowing = reach(true, &["10.1.0.0/16", "::1/128"]);
        for allowed in ["10.1.2.3", "::ffff:10.1.2.3", "::1"] {
            assert!(allowing.covers(allowed.parse().unwrap()), "{allowed}");
        }
        assert!(!allowing.covers("10.2.0.1".parse().unwrap()));
    }

    #[test]
    fn plain_http_reaches_only_what_is_allowed() {
        let plain = reach(false, &["10.1.0.0/16"]);
        assert!(plain.covers("10.1.2.3".parse().unwrap()));
        assert!(!plain.covers("1.1.1.1".parse().unwrap()));
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        let resolve = async |reach: Reach| reach.resolve("localhost".parse().unwrap()).await.map(Iterator::count);
        let refusal = resolve(reach(true, &[])).await.unwrap_err();
        assert!(refusal.downcast_ref::<OutOfReach>().is_some(), "{refusal}");
        assert!(resolve(reach(true, &["127.0.0.0/8", "::1/128"])).await.unwrap() > 0);
    }
}
