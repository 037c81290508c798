//! The process: how it starts, refuses to start, serves slow clients, stops, and comes back after it was killed.

mod commands;
mod drain;
mod first_start;
mod kill;
mod refused_starts;
mod slow_clients;
