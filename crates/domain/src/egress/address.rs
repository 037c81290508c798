//! What an address leads to, after every IPv4 address hidden inside an IPv6 one was taken out and judged as well.
//!
//! The standard library's questions do not suffice: it calls `::ffff:127.0.0.1` no loopback, finds no IPv4 address in
//! `64:ff9b::7f00:1`, and has nothing to say about `fec0::1` or `100.64.0.1`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::network::Network;

/// What kind of place an address leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// Anybody's, anywhere.
    Public,
    /// No place: "this host", which systems take for the local one.
    Unspecified,
    /// The machine itself.
    Loopback,
    /// A private network.
    Private,
    /// The network between a carrier and its customers.
    Shared,
    /// The same cable, and the metadata services of clouds.
    LinkLocal,
    /// A service of the cloud's own host, behind an address that looks public.
    CloudHost,
    /// Many at once.
    Multicast,
    /// Examples and measurements.
    Documentation,
    /// A tunnel or translator, whose end is somebody else's.
    Tunnel,
    /// Everything else that nobody may have.
    Reserved,
}

impl AddressClass {
    /// The class in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::Shared => "carrier-shared",
            Self::LinkLocal => "link-local",
            Self::CloudHost => "cloud-host",
            Self::Multicast => "multicast",
            Self::Documentation => "documentation",
            Self::Tunnel => "tunnel",
            Self::Reserved => "reserved",
        }
    }

    /// Whether a host that the operator listed *by name* may lead there. Where a name must not lead even so, somebody
    /// else answers for it: the metadata service of a cloud gives out credentials to whoever asks.
    pub(super) const fn may_be_named(self) -> bool {
        matches!(
            self,
            Self::Public | Self::Loopback | Self::Private | Self::Shared | Self::Documentation
        )
    }
}

/// The kind of place `address` leads to. One with an IPv4 address hidden in it is public only if that one is.
pub(super) fn classify(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

/// The address that packets to `address` go to: an IPv4-mapped one is sent as plain IPv4 by every system.
pub(super) fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

const V4: &[(Network, AddressClass)] = &[
    (Network::v4([0, 0, 0, 0], 8), AddressClass::Unspecified),
    (Network::v4([10, 0, 0, 0], 8), AddressClass::Private),
    (Network::v4([100, 64, 0, 0], 10), AddressClass::Shared),
    (Network::v4([127, 0, 0, 0], 8), AddressClass::Loopback),
    (Network::v4([169, 254, 0, 0], 16), AddressClass::LinkLocal),
    (Network::v4([168, 63, 129, 16], 32), AddressClass::CloudHost),
    (Network::v4([172, 16, 0, 0], 12), AddressClass::Private),
    (Network::v4([192, 0, 0, 0], 24), AddressClass::Reserved),
    (Network::v4([192, 0, 2, 0], 24), AddressClass::Documentation),
    (Network::v4([192, 88, 99, 0], 24), AddressClass::Tunnel),
    (Network::v4([192, 168, 0, 0], 16), AddressClass::Private),
    (Network::v4([198, 18, 0, 0], 15), AddressClass::Documentation),
    (Network::v4([198, 51, 100, 0], 24), AddressClass::Documentation),
    (Network::v4([203, 0, 113, 0], 24), AddressClass::Documentation),
    (Network::v4([224, 0, 0, 0], 4), AddressClass::Multicast),
    (Network::v4([240, 0, 0, 0], 4), AddressClass::Reserved),
];

/// What may be said about IPv6 by its prefix. Global unicast is 2000::/3, with the holes named here; the rest is nobody's.
const V6: &[(Network, AddressClass)] = &[
    (
        Network::v6([0, 0, 0, 0, 0, 0, 0, 0], 128),
        AddressClass::Unspecified,
    ),
    (Network::v6([0, 0, 0, 0, 0, 0, 0, 1], 128), AddressClass::Loopback),
    (
        Network::v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
        AddressClass::Private,
    ),
    (
        Network::v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
        AddressClass::LinkLocal,
    ),
    (
        Network::v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10),
        AddressClass::Private,
    ),
    (
        Network::v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
        AddressClass::Multicast,
    ),
    (
        Network::v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
        AddressClass::Tunnel,
    ),
    // Teredo, benchmarks, identifiers that are no addresses: none of it is where a provider lives.
    (
        Network::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
        AddressClass::Tunnel,
    ),
    (
        Network::v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
        AddressClass::Documentation,
    ),
    (
        Network::v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
        AddressClass::Documentation,
    ),
];

const GLOBAL_UNICAST: Network = Network::v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

fn by_table(table: &[(Network, AddressClass)], address: IpAddr) -> Option<AddressClass> {
    table
        .iter()
        .find(|(network, _)| network.contains(address))
        .map(|(_, class)| *class)
}

fn classify_v4(address: Ipv4Addr) -> AddressClass {
    by_table(V4, IpAddr::V4(address)).unwrap_or(AddressClass::Public)
}

fn classify_v6(address: Ipv6Addr) -> AddressClass {
    if let Some(class) = by_table(V6, IpAddr::V6(address)) {
        return class;
    }
    match hidden_v4(address) {
        Some(Hidden {
            address,
            carrier: AddressClass::Public,
        }) => classify_v4(address),
        Some(Hidden { carrier, .. }) => carrier,
        None => global_or_reserved(address),
    }
}

fn global_or_reserved(address: Ipv6Addr) -> AddressClass {
    if GLOBAL_UNICAST.contains(IpAddr::V6(address)) {
        AddressClass::Public
    } else {
        AddressClass::Reserved
    }
}

/// An IPv4 address inside an IPv6 one, and what may be said of the bits around it.
#[derive(Debug, Clone, Copy)]
struct Hidden {
    address: Ipv4Addr,
    carrier: AddressClass,
}

/// The IPv4 address that a translator, a tunnel or the system itself would take out of `address`.
pub(super) fn embedded(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => hidden_v4(address).map(|hidden| IpAddr::V4(hidden.address)),
    }
}

fn hidden_v4(address: Ipv6Addr) -> Option<Hidden> {
    let join = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    let whole = |address| {
        Some(Hidden {
            address,
            carrier: AddressClass::Public,
        })
    };
    match address.segments() {
        // IPv4-mapped (::ffff:a.b.c.d), and the older IPv4-compatible form (::a.b.c.d).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => whole(join(high, low)),
        // The well-known prefix of NAT64; an operator's own prefix belongs into the denied ranges.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => whole(join(high, low)),
        // 6to4 carries the address of its router.
        [0x2002, high, low, ..] => whole(join(high, low)),
        // ISATAP marks its interface identifiers, with and without the universal bit, behind any prefix.
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => Some(Hidden {
            address: join(high, low),
            carrier: global_or_reserved(address),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_hidden_in_another_is_judged_like_itself() {
        // An odd step spreads over all addresses. Those of the first /8 are left out: `::1` is no `0.0.0.1`.
        let spread = (0..20_000_u32).map(|index| index.wrapping_mul(0x9e37_79b9));
        let mut classes = std::collections::HashSet::new();
        for bits in spread.filter(|bits| *bits >= 0x0100_0000) {
            let hidden = Ipv4Addr::from_bits(bits);
            let class = classify(IpAddr::V4(hidden));
            classes.insert(class);
            let [a, b, c, d] = hidden.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            for carrier in [
                [0, 0, 0, 0, 0, 0xffff, high, low],
                [0, 0, 0, 0, 0, 0, high, low],
                [0x64, 0xff9b, 0, 0, 0, 0, high, low],
                [0x2002, high, low, 0, 0, 0, 0, 1],
                [0x2606, 0x4700, 0, 0, 0, 0x5efe, high, low],
                [0x2606, 0x4700, 0, 0, 0x200, 0x5efe, high, low],
            ] {
                let carrier = IpAddr::V6(Ipv6Addr::from_segments(carrier));
                assert_eq!(classify(carrier), class, "{hidden} in {carrier}");
                assert_eq!(
                    embedded(carrier),
                    Some(IpAddr::V4(hidden)),
                    "{hidden} in {carrier}"
                );
            }
        }
        assert!(classes.len() >= 7, "the spread is too thin: {classes:?}");
    }
}
