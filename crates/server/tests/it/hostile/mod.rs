//! Hostile input: thousands of malformed bodies and heads for every route. Each gets a clear refusal, and the process
//! neither breaks nor grows.

mod chaos;
mod heads;
mod inference;
mod management;
mod siege;
