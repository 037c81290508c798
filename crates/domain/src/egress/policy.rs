//! The rules of the way out: public targets by https on port 443, and private ones only where the operator listed them.

use std::net::{IpAddr, SocketAddr};

use super::address::{AddressClass, classify, embedded, unmapped};
use super::base_url::{BaseUrl, Scheme};
use super::network::Network;
use crate::provider::ProviderKind;

const HTTPS_PORT: u16 = 443;

/// Why the configuration's rules for the way out cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressConfigError {
    /// Not one of the forms an entry can have.
    #[error(
        "egress.private_targets: {0:?} is no target; write \"host:port\", \"address:port\", \"cidr:port\" or \"cidr:*\""
    )]
    PrivateTarget(String),
    /// A name with every port would open more than anybody lists on purpose.
    #[error(
        "egress.private_targets: {0:?} lists every port, which only a range of addresses may; name the port"
    )]
    EveryPort(String),
    /// Neither a host name nor one with a leading `*.`.
    #[error("egress.allowed_hosts: {0:?} is no host name; write \"api.example.com\" or \"*.example.com\"")]
    AllowedHost(String),
    /// Neither an address nor a range.
    #[error("egress.denied_ranges: {0:?} is no range of addresses; write \"64:ff9b:1::/96\"")]
    DeniedRange(String),
}

/// Why nothing may be sent to a target. The texts name what was asked for and never an address a name resolved to,
/// so that nobody explores the inner network by asking.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressDenial {
    /// In the clear, and not a listed private target.
    #[error(
        "{host}:{port} may be reached over https only; the operator can list it under egress.private_targets to allow http"
    )]
    NotHttps {
        /// Of the base URL.
        host: String,
        /// Of the base URL.
        port: u16,
    },
    /// Not 443, and not a listed private target.
    #[error(
        "port {port} of {host} may not be reached; use port 443 or ask the operator to list it under egress.private_targets"
    )]
    Port {
        /// Of the base URL.
        host: String,
        /// Of the base URL.
        port: u16,
    },
    /// The operator narrowed the public targets, and this is not one of them.
    #[error(
        "{host} is not among the hosts the operator allows; ask for it to be added to egress.allowed_hosts"
    )]
    Host {
        /// Of the base URL.
        host: String,
    },
    /// The address, or one that the name resolves to, is not public.
    #[error(
        "{host} does not lead to a public address only; the operator can list {host}:{port} under egress.private_targets"
    )]
    Address {
        /// Of the base URL.
        host: String,
        /// Of the base URL.
        port: u16,
        /// For the operator's log; not in the text.
        class: AddressClass,
    },
    /// Within a range that the operator denied.
    #[error("{host} leads to a range of addresses that the operator denied")]
    Range {
        /// Of the base URL.
        host: String,
    },
    /// The gateway would call itself.
    #[error("{host}:{port} is this gateway itself")]
    Itself {
        /// Of the base URL.
        host: String,
        /// Of the base URL.
        port: u16,
    },
}

/// A private target: a name with its port, or a range of addresses with one port or all.
#[derive(Debug, Clone, PartialEq, Eq)]
enum PrivateTarget {
    Name { host: String, port: u16 },
    Range { network: Network, port: Option<u16> },
}

/// A host that may be reached in public, or all names below it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum AllowedHost {
    Exactly(String),
    Below(String),
}

/// What may be reached: everything public by https, narrowed and widened by the operator alone.
#[derive(Debug, Clone, Default)]
pub struct EgressPolicy {
    private_targets: Vec<PrivateTarget>,
    allowed_hosts: Vec<AllowedHost>,
    denied_ranges: Vec<Network>,
    own_addresses: Vec<SocketAddr>,
}

impl EgressPolicy {
    /// The policy that lets requests out to public targets and to `private_targets`.
    ///
    /// # Errors
    /// If an entry is none of `host:port`, `address:port`, `cidr:port`, `cidr:*`.
    pub fn new(private_targets: &[String]) -> Result<Self, EgressConfigError> {
        let private_targets = private_targets
            .iter()
            .map(|entry| private_target(entry))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            private_targets,
            ..Self::default()
        })
    }

    /// The policy with public targets narrowed to `hosts`, each a name or `*.name`; an empty list narrows nothing.
    ///
    /// # Errors
    /// If an entry is no host name.
    pub fn with_allowed_hosts(mut self, hosts: &[String]) -> Result<Self, EgressConfigError> {
        self.allowed_hosts = hosts
            .iter()
            .map(|entry| allowed_host(entry))
            .collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// The policy with `ranges` closed even where something else would open them, such as an own NAT64 prefix.
    ///
    /// # Errors
    /// If an entry is no range of addresses.
    pub fn with_denied_ranges(mut self, ranges: &[String]) -> Result<Self, EgressConfigError> {
        self.denied_ranges = ranges
            .iter()
            .map(|entry| {
                entry
                    .trim()
                    .parse()
                    .map_err(|_| EgressConfigError::DeniedRange(entry.clone()))
            })
            .collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// The policy that never lets the gateway call itself at the addresses it listens on. One that listens on every
    /// address is met at every loopback address.
    #[must_use]
    pub fn with_own_addresses(mut self, listening: &[SocketAddr]) -> Self {
        self.own_addresses = listening.to_vec();
        self
    }

    /// Nothing if requests to `base` may be tried, as far as can be said without resolving its name.
    ///
    /// # Errors
    /// The first rule that forbids it.
    pub fn check_url(&self, base: &BaseUrl) -> Result<(), EgressDenial> {
        if base.is_sandbox() {
            return Ok(());
        }
        if let Some(address) = base.address() {
            return self.check_address(base, address);
        }
        let (host, port) = (base.host(), base.port());
        // A name may resolve into a listed range; whether it does is seen when it is resolved.
        let may_be_private = self.private_targets.iter().any(|target| match target {
            PrivateTarget::Name {
                host: listed,
                port: at,
            } => listed == host && *at == port,
            PrivateTarget::Range { port: at, .. } => at.is_none_or(|at| at == port),
        });
        if may_be_private {
            Ok(())
        } else {
            self.check_public(base)
        }
    }

    /// Nothing if a connection for `base` may be made to `address`, which its name resolved to or which it is.
    ///
    /// Every address that a name resolves to must pass, or the name is refused as a whole.
    ///
    /// # Errors
    /// The first rule that forbids it.
    pub fn check_address(&self, base: &BaseUrl, address: IpAddr) -> Result<(), EgressDenial> {
        let (host, port) = (base.host(), base.port());
        let address = unmapped(address);
        for meant in std::iter::once(address).chain(embedded(address)) {
            if self.is_own(meant, port) {
                return Err(EgressDenial::Itself {
                    host: host.to_owned(),
                    port,
                });
            }
            if self.denied_ranges.iter().any(|range| range.contains(meant)) {
                return Err(EgressDenial::Range {
                    host: host.to_owned(),
                });
            }
        }
        let class = classify(address);
        let is_listed = self.private_targets.iter().any(|target| match target {
            PrivateTarget::Name {
                host: listed,
                port: at,
            } => listed == host && *at == port && class.may_be_named(),
            PrivateTarget::Range { network, port: at } => {
                at.is_none_or(|at| at == port) && network.contains(address)
            }
        });
        if is_listed {
            return Ok(());
        }
        self.check_public(base)?;
        match class {
            AddressClass::Public => Ok(()),
            class => Err(EgressDenial::Address {
                host: host.to_owned(),
                port,
                class,
            }),
        }
    }

    fn check_public(&self, base: &BaseUrl) -> Result<(), EgressDenial> {
        let (host, port) = (base.host(), base.port());
        if base.scheme() != Scheme::Https {
            return Err(EgressDenial::NotHttps {
                host: host.to_owned(),
                port,
            });
        }
        if port != HTTPS_PORT {
            return Err(EgressDenial::Port {
                host: host.to_owned(),
                port,
            });
        }
        let is_allowed = self.allowed_hosts.is_empty()
            || self.allowed_hosts.iter().any(|allowed| match allowed {
                AllowedHost::Exactly(name) => name == host,
                AllowedHost::Below(name) => host
                    .strip_suffix(name.as_str())
                    .is_some_and(|left| left.len() > 1 && left.ends_with('.')),
            });
        if is_allowed {
            Ok(())
        } else {
            Err(EgressDenial::Host {
                host: host.to_owned(),
            })
        }
    }

    fn is_own(&self, address: IpAddr, port: u16) -> bool {
        self.own_addresses.iter().any(|own| {
            let is_met = own.ip() == address || (own.ip().is_unspecified() && address.is_loopback());
            // Systems take the unspecified address for the local one.
            own.port() == port && (is_met || address.is_unspecified())
        })
    }
}

fn private_target(entry: &str) -> Result<PrivateTarget, EgressConfigError> {
    let wrong = || EgressConfigError::PrivateTarget(entry.to_owned());
    let (place, port) = entry.trim().rsplit_once(':').ok_or_else(wrong)?;
    let unbracketed = place.strip_prefix('[').and_then(|place| place.strip_suffix(']'));
    let network = match unbracketed.unwrap_or(place).parse::<Network>() {
        // `::1` is an address, but `::1:443` could be one with its port or one without.
        Ok(network) if unbracketed.is_some() || !place.contains(':') || place.contains('/') => Some(network),
        Ok(_) => return Err(wrong()),
        Err(_) => None,
    };
    if port == "*" {
        return match network {
            Some(network) if place.contains('/') => Ok(PrivateTarget::Range { network, port: None }),
            _ => Err(EgressConfigError::EveryPort(entry.to_owned())),
        };
    }
    let port = port_number(port).ok_or_else(wrong)?;
    match network {
        Some(network) => Ok(PrivateTarget::Range {
            network,
            port: Some(port),
        }),
        None => Ok(PrivateTarget::Name {
            host: name(place).ok_or_else(wrong)?,
            port,
        }),
    }
}

fn allowed_host(entry: &str) -> Result<AllowedHost, EgressConfigError> {
    let wrong = || EgressConfigError::AllowedHost(entry.to_owned());
    match entry.trim().strip_prefix("*.") {
        Some(below) => Ok(AllowedHost::Below(name(below).ok_or_else(wrong)?)),
        None => Ok(AllowedHost::Exactly(name(entry.trim()).ok_or_else(wrong)?)),
    }
}

fn port_number(text: &str) -> Option<u16> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|port| *port != 0)
}

/// The host name `text` in the form in which base URLs have it; nothing if it is an address or has other parts.
fn name(text: &str) -> Option<String> {
    if text.contains(['/', '?', '#', '@', ':']) {
        return None;
    }
    let base = BaseUrl::parse(ProviderKind::OpenaiCompatible, &format!("https://{text}")).ok()?;
    base.address().is_none().then(|| base.host().to_owned())
}
