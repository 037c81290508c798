//! One keep-alive connection of the generator: sends a request that lies ready, and reads the answer only as far as it
//! must, so that the generator takes little of the processor that the target needs.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection.
pub(crate) struct Line {
    stream: TcpStream,
    read: BytesMut,
}

/// An answer with status 200, read to its end.
pub(crate) struct Answer {
    /// When the first byte of the body was there.
    pub(crate) first_byte: Instant,
    /// Events of a stream; none of a whole answer.
    pub(crate) events: u64,
}

/// How the length of a body is told.
enum Framing {
    Length(usize),
    Chunked,
}

impl Line {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            read: BytesMut::with_capacity(64 * 1024),
        })
    }

    /// Sends `request` and reads the answer.
    ///
    /// # Errors
    /// If the connection breaks, or the status is not 200.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request).await?;
        let framing = self.head().await?;
        if self.read.is_empty() {
            self.more().await?;
        }
        let first_byte = Instant::now();
        let events = match framing {
            Framing::Length(length) => {
                while self.read.len() < length {
                    self.more().await?;
                }
                self.read.advance(length);
                0
            }
            Framing::Chunked => self.chunks().await?,
        };
        Ok(Answer { first_byte, events })
    }

    async fn more(&mut self) -> io::Result<()> {
        self.read.reserve(16 * 1024);
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Reads up to the next `mark` and gives back what stood before it; the mark is gone.
    async fn until(&mut self, mark: &[u8]) -> io::Result<BytesMut> {
        loop {
            if let Some(end) = memmem::find(&self.read, mark) {
                let before = self.read.split_to(end);
                self.read.advance(mark.len());
                return Ok(before);
            }
            self.more().await?;
        }
    }

    async fn head(&mut self) -> io::Result<Framing> {
        let mut head = self.until(b"\r\n\r\n").await?;
        head.make_ascii_lowercase();
        if head.get(9..12) != Some(b"200") {
            let body = String::from_utf8_lossy(&self.read);
            return Err(io::Error::other(format!(
                "{}\n{body}",
                String::from_utf8_lossy(&head)
            )));
        }
        if memmem::find(&head, b"transfer-encoding: chunked").is_some() {
            return Ok(Framing::Chunked);
        }
        const LENGTH: &[u8] = b"content-length: ";
        let start = memmem::find(&head, LENGTH).map(|start| start + LENGTH.len());
        let value = start.and_then(|start| head.get(start..)?.split(|byte| *byte == b'\r').next());
        let length = value.and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        length
            .map(Framing::Length)
            .ok_or_else(|| io::Error::other("an answer of unknown length"))
    }

    /// Reads a chunked body to its end and counts its events.
    async fn chunks(&mut self) -> io::Result<u64> {
        let mut events = 0;
        let mut ends_in_break = false;
        loop {
            let size = self.until(b"\r\n").await?;
            let size = std::str::from_utf8(&size).map_err(io::Error::other)?;
            let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
            while self.read.len() < size + 2 {
                self.more().await?;
            }
            let chunk = self.read.get(..size).unwrap_or_default();
            // The two line breaks that end an event may come in two chunks.
            events += u64::from(ends_in_break && chunk.first() == Some(&b'\n'));
            events += memmem::find_iter(chunk, b"\n\n").map(|_| 1).sum::<u64>();
            ends_in_break = chunk.ends_with(b"\n") && !chunk.ends_with(b"\n\n");
            self.read.advance(size + 2);
            if size == 0 {
                return Ok(events);
            }
        }
    }
}
