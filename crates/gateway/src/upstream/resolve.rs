//! Names to addresses: the system's resolver, or a test's.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;

/// The answer of a resolver, to be waited for.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Who turns names into addresses. What it answers is checked afterwards, each time and each address.
pub trait Resolve: Send + Sync + 'static {
    /// All addresses of `host`, in the order in which they are to be tried.
    fn resolve(&self, host: &str) -> Resolving;
}

/// The system's resolver: hosts file, DNS and whatever else the machine was set up with.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str) -> Resolving {
        let host = host.to_owned();
        Box::pin(async move {
            // The port is no part of the question; it is added to the checked addresses by whoever connects.
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}
