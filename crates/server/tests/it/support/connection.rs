//! A bare connection: sends any bytes, reads one response after the other. What no well-behaved client would do.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a response may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to a server.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// A response as it stood on the wire.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Whether the server closes the connection after it.
    pub(crate) closes: bool,
}

impl Connection {
    pub(crate) async fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            read: Vec::new(),
        }
    }

    /// Sends these bytes; false if the server has closed the connection.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// The next response; nothing if the connection ends without one.
    ///
    /// # Panics
    /// If none comes in time, or what comes is no response.
    pub(crate) async fn response(&mut self) -> Option<Response> {
        tokio::time::timeout(PATIENCE, self.read_response())
            .await
            .expect("a response in time")
    }

    /// The next response; nothing if none comes by then.
    pub(crate) async fn response_within(&mut self, patience: Duration) -> Option<Response> {
        tokio::time::timeout(patience, self.read_response())
            .await
            .ok()
            .flatten()
    }

    /// Waits until the server closes the connection; answers what it still said.
    pub(crate) async fn until_closed(&mut self) -> Vec<u8> {
        while tokio::time::timeout(PATIENCE, self.fill())
            .await
            .expect("the end of the connection in time")
        {}
        std::mem::take(&mut self.read)
    }

    async fn read_response(&mut self) -> Option<Response> {
        let end = loop {
            if let Some(at) = find(&self.read, b"\r\n\r\n") {
                break at + 4;
            }
            if !self.fill().await {
                return None;
            }
        };
        let head: Vec<u8> = self.read.drain(..end).collect();
        let head = String::from_utf8(head)
            .expect("a head in ASCII")
            .to_ascii_lowercase();
        let status = head
            .get(9..12)
            .and_then(|digits| digits.parse().ok())
            .expect("a status line");
        let field = |name: &str| {
            head.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .map(str::trim)
        };
        let closes = field("connection") == Some("close");
        let body = match field("content-length").map(|length| length.parse::<usize>().expect("a length")) {
            Some(length) => self.take(length).await?,
            None if field("transfer-encoding") == Some("chunked") => self.take_chunks().await?,
            None => Vec::new(),
        };
        Some(Response { status, closes, body })
    }

    async fn take_chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = find(&self.read, b"\r\n") {
                    break at;
                }
                if !self.fill().await {
                    return None;
                }
            };
            let line: Vec<u8> = self.read.drain(..end + 2).collect();
            let digits = std::str::from_utf8(&line).expect("a chunk's size").trim();
            let length = usize::from_str_radix(digits, 16).expect("a chunk's size");
            let chunk = self.take(length + 2).await?;
            if length == 0 {
                return Some(body);
            }
            body.extend_from_slice(&chunk[..length]);
        }
    }

    async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.read.len() < length {
            if !self.fill().await {
                return None;
            }
        }
        Some(self.read.drain(..length).collect())
    }

    async fn fill(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.read).await, Ok(1..))
    }
}

impl Response {
    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
