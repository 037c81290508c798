//! A range of addresses, written as one address or as address and prefix length.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    first: IpAddr,
    prefix_bits: u8,
}

impl Network {
    /// The range of IPv4 addresses that share their first `prefix_bits` bits (0 to 32) with `first`.
    pub(super) const fn v4(first: [u8; 4], prefix_bits: u8) -> Self {
        Self {
            first: IpAddr::V4(Ipv4Addr::from_octets(first)),
            prefix_bits,
        }
    }

    /// The range of IPv6 addresses that share their first `prefix_bits` bits (0 to 128) with `first`.
    pub(super) const fn v6(first: [u16; 8], prefix_bits: u8) -> Self {
        Self {
            first: IpAddr::V6(Ipv6Addr::from_segments(first)),
            prefix_bits,
        }
    }

    /// Whether `address` is in the range. An IPv4 address is in no range of IPv6 and the reverse.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let host_bits = 32_u32.saturating_sub(u32::from(self.prefix_bits));
                (first.to_bits() ^ address.to_bits())
                    .checked_shr(host_bits)
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let host_bits = 128_u32.saturating_sub(u32::from(self.prefix_bits));
                (first.to_bits() ^ address.to_bits())
                    .checked_shr(host_bits)
                    .unwrap_or(0)
                    == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// The text is neither an address nor a range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let bits_max = if first.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            None => bits_max,
            // `+8` and `08` are numbers to the standard library and slips of the pen here.
            Some(digits) if digits.len() > 3 || !digits.bytes().all(|b| b.is_ascii_digit()) => {
                return Err(NotANetwork);
            }
            Some(digits) => digits.parse().map_err(|_| NotANetwork)?,
        };
        if prefix_bits > bits_max {
            return Err(NotANetwork);
        }
        Ok(Self { first, prefix_bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.first, self.prefix_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_what_shares_its_prefix_and_nothing_of_the_other_family() {
        for (range, address, inside) in [
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.7", "10.0.0.7", true),
            ("10.0.0.7", "10.0.0.6", false),
            ("10.1.2.3/8", "10.200.0.1", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2606:4700::1", true),
            ("::/0", "127.0.0.1", false),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe00::1", false),
            ("::1/128", "::1", true),
            ("::1/128", "::", false),
        ] {
            let range: Network = range.parse().unwrap();
            assert_eq!(
                range.contains(address.parse().unwrap()),
                inside,
                "{range} {address}"
            );
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "10",
            "10.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "a/8",
            "010.0.0.1",
        ] {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text:?}");
        }
    }
}
