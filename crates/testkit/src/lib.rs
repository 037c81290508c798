//! What tests need and users never meet: simulated providers, throw-away databases, a clock that is set by hand,
//! a launcher for the executable, a search for leaked secrets, and a generator of load. Nothing of this is shipped.
//!
//! The simulators are written without the crate that talks to real providers: a mistake there must not hide here.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a tool of tests reports what went wrong by failing the test"
)]

pub mod canary;
pub mod chance;
pub mod client;
pub mod clock;
pub mod conformance;
pub mod freehold;
pub mod ids;
pub mod load;
pub mod memory;
pub mod postgres;
pub mod redis;
pub mod simulator;

mod process;
