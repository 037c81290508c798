//! What a workspace's books say, held against what its caller saw.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use freehold_testkit::client::Request;
use freehold_testkit::freehold::Freehold;
use serde_json::Value;

/// A workspace, and the replies that its caller saw whole.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// The key it is called with.
    pub(crate) key: String,
    /// Whether credits pay.
    pub(crate) pays: bool,
    /// Ids of the requests whose replies were seen whole.
    pub(crate) acknowledged: Vec<String>,
}

impl Account {
    /// A workspace whose caller has seen nothing yet.
    pub(crate) fn new(key: &str, pays: bool) -> Self {
        Self {
            key: key.to_owned(),
            pays,
            acknowledged: Vec::new(),
        }
    }
}

/// What the server says of a workspace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Books {
    /// Every record as it was listed.
    pub(crate) records: Vec<Value>,
    /// Millionths of credits that were charged.
    pub(crate) posted: i64,
    /// Millionths of credits that are held.
    pub(crate) held: i64,
}

/// Something that should not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// A reply was seen whole, and there is no record of it.
    Lost(String),
    /// A reply was seen whole, and its record says otherwise.
    Otherwise(String),
    /// Two records of one request.
    Doubled(String),
    /// The records and the ledger differ.
    Unbalanced {
        /// What the records say was charged.
        charged: i64,
        /// What the ledger says.
        posted: i64,
    },
    /// Credits are held, and no request runs.
    Held(i64),
    /// Credits were charged to somebody who calls with a key of their own.
    Charged(i64),
    /// The server took too long to be ready.
    Slow(Duration),
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(id) => write!(out, "{id} was seen whole and has no record"),
            Self::Otherwise(id) => write!(out, "{id} was seen whole and its record says otherwise"),
            Self::Doubled(id) => write!(out, "{id} has more than one record"),
            Self::Unbalanced { charged, posted } => {
                write!(
                    out,
                    "records charge {charged} millionths of a credit, the ledger {posted}"
                )
            }
            Self::Held(credits) => write!(out, "{credits} millionths of a credit are held by nobody"),
            Self::Charged(credits) => {
                write!(out, "{credits} millionths of a credit were charged to an own key")
            }
            Self::Slow(ready) => write!(out, "the server took {ready:?} to be ready"),
        }
    }
}

/// The books as the server tells them. If something is held, it is given so long to be let go.
pub(crate) async fn read(server: &Freehold, account: &Account, patience: Duration) -> Books {
    let end = Instant::now() + patience;
    loop {
        let books = read_once(server, account).await;
        if books.held == 0 || Instant::now() > end {
            return books;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn read_once(server: &Freehold, account: &Account) -> Books {
    let get = async |path: &str| {
        Request::get(server.url(path))
            .bearer(&account.key)
            .send()
            .await
            .expect(200)
            .json()
    };
    let mut books = Books::default();
    let mut cursor = String::new();
    loop {
        let mut page = get(&format!("/v1/usage/records?limit=200{cursor}")).await;
        if let Value::Array(records) = page["data"].take() {
            books.records.extend(records);
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let credits = get("/v1/credits").await;
    books.posted = millionths(&credits["posted"]);
    books.held = millionths(&credits["held"]);
    books
}

/// A decimal string of credits in millionths; no float on the way.
fn millionths(amount: &Value) -> i64 {
    let text = amount.as_str().unwrap_or_default();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<6}").parse().unwrap_or(i64::MIN)
}

/// Everything in `books` that should not be, given what the caller saw.
pub(crate) fn judge(account: &Account, books: &Books) -> Vec<Finding> {
    let mut by_id: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for record in &books.records {
        by_id
            .entry(record["request_id"].as_str().unwrap_or_default())
            .or_default()
            .push(record);
    }
    let mut findings = Vec::new();
    for id in &account.acknowledged {
        match by_id.get(id.as_str()).map(Vec::as_slice) {
            None => findings.push(Finding::Lost(id.clone())),
            Some([record]) if record["outcome"] != "ok" => findings.push(Finding::Otherwise(id.clone())),
            Some(_) => {}
        }
    }
    let doubled = by_id.iter().filter(|(_, records)| records.len() > 1);
    findings.extend(doubled.map(|(id, _)| Finding::Doubled((*id).to_owned())));
    let charged = books
        .records
        .iter()
        .map(|record| millionths(&record["credits_charged"]))
        .sum();
    if charged != books.posted {
        findings.push(Finding::Unbalanced {
            charged,
            posted: books.posted,
        });
    }
    if !account.pays && books.posted != 0 {
        findings.push(Finding::Charged(books.posted));
    }
    if books.held != 0 {
        findings.push(Finding::Held(books.held));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(id: &str, credits: &str) -> Value {
        json!({"request_id": id, "outcome": "ok", "credits_charged": credits})
    }

    fn saw(ids: &[&str]) -> Account {
        Account {
            acknowledged: ids.iter().map(|id| (*id).to_owned()).collect(),
            ..Account::new("", true)
        }
    }

    #[test]
    fn books_that_are_in_order_are_found_in_order() {
        let books = Books {
            records: vec![record("a", "0.5"), record("b", "1.000001"), record("unseen", "2")],
            posted: 3_500_001,
            held: 0,
        };
        assert_eq!(judge(&saw(&["a", "b"]), &books), []);
    }

    #[test]
    fn everything_that_can_be_wrong_is_found() {
        let mut other = record("b", "1");
        other["outcome"] = json!("failed");
        let books = Books {
            records: vec![record("a", "0.5"), record("a", "0.5"), other],
            posted: 1_000_000,
            held: 7,
        };
        let expected = [
            Finding::Otherwise("b".to_owned()),
            Finding::Lost("c".to_owned()),
            Finding::Doubled("a".to_owned()),
            Finding::Unbalanced {
                charged: 2_000_000,
                posted: 1_000_000,
            },
            Finding::Held(7),
        ];
        assert_eq!(judge(&saw(&["a", "b", "c"]), &books), expected);
        let own = Account::new("", false);
        assert!(judge(&own, &books).contains(&Finding::Charged(1_000_000)));
    }
}
