//! A small HTTP client for tests: one request, one answer, or a stream piece by piece that can be left in the middle.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// How long an answer may take, head to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request that is being put together.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    url: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// An answer whose head has come. Dropping it closes the connection.
#[derive(Debug)]
pub struct Streaming {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    body: Incoming,
}

/// No answer, or no whole one.
#[derive(Debug)]
pub struct Failed(String);

impl std::fmt::Display for Failed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

impl Request {
    /// A request without header fields and body.
    #[must_use]
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// A `GET`.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    /// A `POST`.
    #[must_use]
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::POST, url)
    }

    /// The same with one more header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same with `key` as bearer token.
    #[must_use]
    pub fn bearer(self, key: &str) -> Self {
        self.header("authorization", format!("Bearer {key}"))
    }

    /// The same with this JSON as its body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// The same with these bytes as its body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The whole answer.
    ///
    /// # Panics
    /// If none comes within a minute: a test that expects that uses [`Self::try_send`].
    pub async fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.url);
        self.try_send()
            .await
            .unwrap_or_else(|failed| panic!("{what}: {failed}"))
    }

    /// The whole answer, or why there is none.
    ///
    /// # Errors
    /// If the connection failed, or the answer broke off, or took more than a minute.
    pub async fn try_send(self) -> Result<Answer, Failed> {
        let exchange = async {
            let Streaming {
                status,
                headers,
                body,
            } = self.try_open().await?;
            let body = body
                .collect()
                .await
                .map_err(|error| Failed(chain(&error)))?
                .to_bytes();
            Ok(Answer {
                status,
                headers,
                body,
            })
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .unwrap_or_else(|_| Err(Failed(format!("no whole answer within {PATIENCE:?}"))))
    }

    /// The answer as soon as its head has come.
    ///
    /// # Panics
    /// If none comes within a minute.
    pub async fn open(self) -> Streaming {
        let what = format!("{} {}", self.method, self.url);
        self.try_open()
            .await
            .unwrap_or_else(|failed| panic!("{what}: {failed}"))
    }

    /// The answer as soon as its head has come, or why there is none.
    ///
    /// # Errors
    /// If the connection failed or no head came within a minute.
    ///
    /// # Panics
    /// If the request itself is not one, such as a header field with a line break.
    pub async fn try_open(self) -> Result<Streaming, Failed> {
        let mut request = http::Request::builder().method(self.method).uri(self.url);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::new(self.body))
            .expect("a request of correct parts");
        // A client of its own for each request, so that dropping the answer closes the connection and no test inherits
        // the connections of another.
        let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let answer = tokio::time::timeout(PATIENCE, client.request(request))
            .await
            .map_err(|_| Failed(format!("no answer within {PATIENCE:?}")))?
            .map_err(|error| Failed(chain(&error)))?;
        let (head, body) = answer.into_parts();
        Ok(Streaming {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: status {}, body {:?}", self.status, self.text()))
    }

    /// The body as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header field as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The payloads of a body of server-sent events, one line each, comments left out.
    #[must_use]
    pub fn events(&self) -> Vec<String> {
        let text = self.text();
        let lines = text.split(['\n', '\r']);
        let payloads = lines.filter_map(|line| line.strip_prefix("data:"));
        payloads.map(|payload| payload.trim_start().to_owned()).collect()
    }

    /// The same answer.
    ///
    /// # Panics
    /// If its status is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

impl Streaming {
    /// The next bytes as they arrive; nothing at the end.
    ///
    /// # Errors
    /// If the stream broke off or stood still for a minute.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failed> {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.body.frame())
                .await
                .map_err(|_| Failed(format!("nothing within {PATIENCE:?}")))?;
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(Failed(chain(&error))),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// Reads on until `text` has come, and gives back all that was read.
    ///
    /// # Panics
    /// If the stream ends before that, or a mebibyte came without it.
    pub async fn read_until(&mut self, text: &str) -> String {
        let mut read = Vec::new();
        loop {
            match self.next().await {
                Ok(Some(bytes)) => read.extend_from_slice(&bytes),
                other => panic!(
                    "{other:?} before {text:?} came: {:?}",
                    String::from_utf8_lossy(&read)
                ),
            }
            assert!(read.len() < 1024 * 1024, "a mebibyte came and no {text:?}");
            let so_far = String::from_utf8_lossy(&read);
            if so_far.contains(text) {
                return so_far.into_owned();
            }
        }
    }

    /// All that is left of the stream.
    ///
    /// # Errors
    /// If it breaks off.
    pub async fn rest(mut self) -> Result<Bytes, Failed> {
        let mut read = Vec::new();
        while let Some(bytes) = self.next().await? {
            read.extend_from_slice(&bytes);
        }
        Ok(read.into())
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
