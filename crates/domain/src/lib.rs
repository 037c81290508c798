//! The words and the rules of Freehold: ids, money, plans, keys, records, and the ports to the outside.
//!
//! Nothing here knows HTTP, SQL, Tokio, cryptography, a provider's JSON or the real clock.

pub mod catalog;
pub mod denial;
pub mod egress;
pub mod gate;
pub mod id;
pub mod key;
pub mod ledger;
pub mod money;
pub mod plan;
pub mod port;
pub mod provider;
pub mod rate;
pub mod record;
pub mod time;
pub mod tokens;
pub mod workspace;
