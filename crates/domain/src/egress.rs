//! Where the gateway may send anything at all: base URLs parsed once, and the rules for names, ports and addresses.
//!
//! Everything here is pure. Who resolves a name asks [`EgressPolicy::check_address`] about every answer, at every connection.

mod address;
mod base_url;
mod network;
mod policy;

#[cfg(test)]
mod encodings;

pub use address::AddressClass;
pub use base_url::{BaseUrl, BaseUrlError, Scheme};
pub use policy::{EgressConfigError, EgressDenial, EgressPolicy};
