//! The tools are tested like products: a simulator that is wrong makes every test that uses it wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::allow_attributes,
    reason = "tests may be blunt"
)]

mod load;
mod servers;
mod simulator;
