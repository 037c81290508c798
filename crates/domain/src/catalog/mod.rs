//! Models and what they cost.
