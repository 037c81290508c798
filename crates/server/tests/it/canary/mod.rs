//! Planted secrets, searched for everywhere: with the log at its loudest, through success and every failure, in everything
//! that is written, answered, measured or stored.

mod drive;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use freehold_testkit::canary::Canary;
use freehold_testkit::chance::Chance;
use freehold_testkit::client::Answer;
use freehold_testkit::freehold::{Freehold, Options};
use freehold_testkit::postgres::Postgres;
use freehold_testkit::simulator::{Shape, Simulator};

use self::drive::Drive;
use crate::support::{eventually, options_without_token};

/// Every secret that a server holds, by name.
struct Secrets(Vec<(&'static str, Canary)>);

impl Secrets {
    /// Those of a server just set up, and two provider keys to be planted.
    async fn of(server: &Freehold) -> (Self, Planted) {
        let chance = Chance::seeded(0x5ec2e7);
        let (token, key) = announced(server).await;
        let root = std::fs::read_to_string(server.data().join("root.key")).unwrap();
        let root = root.trim().to_owned();
        let planted = Planted {
            first: Canary::made("sk-canary-", &chance),
            second: Canary::made("sk-canary-", &chance),
            token: token.clone(),
            key: key.clone(),
        };
        let secrets = vec![
            ("the provider key", planted.first.clone()),
            ("the provider key after its rotation", planted.second.clone()),
            ("the operator token", Canary::new(&token)),
            // The first part of a virtual key is its public id, which may be seen.
            (
                "the virtual key",
                Canary::binary(&key.as_bytes()[key.len() - 30..]),
            ),
            ("the root key as text", Canary::binary(root.as_bytes())),
            ("the root key", Canary::binary(&STANDARD.decode(&root).unwrap())),
        ];
        (Self(secrets), planted)
    }

    fn must_be_absent(&self, sink: &str, bytes: impl AsRef<[u8]>) {
        for (name, canary) in &self.0 {
            canary.assert_absent(&format!("{name} in {sink}"), bytes.as_ref());
        }
    }

    fn must_be_absent_from_path(&self, path: &Path) {
        for (_, canary) in &self.0 {
            canary.assert_absent_from_path(path);
        }
    }

    fn must_be_absent_from_answers(&self, answers: &[(String, Answer)]) {
        for (what, answer) in answers {
            let headers: String = answer
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {value:?}\n"))
                .collect();
            self.must_be_absent(what, [headers.as_bytes(), &answer.body].concat());
        }
    }
}

/// What is planted, and the credentials to do so.
pub(crate) struct Planted {
    pub(crate) first: Canary,
    pub(crate) second: Canary,
    pub(crate) token: String,
    pub(crate) key: String,
}

/// What the first start prints, once it is all there.
async fn announced(server: &Freehold) -> (String, String) {
    eventually("what the first start prints", async || {
        let said = server.output();
        let after = |label: &str| {
            said.split_once(label)?
                .1
                .split_once('\n')
                .map(|(line, _)| line.trim().to_owned())
        };
        Some((after("operator token:")?, after("virtual key:")?)).filter(|_| said.contains("BACK UP"))
    })
    .await
}

/// The output without the two lines in which secrets stand on purpose.
fn output_but_for_the_announcement(server: &Freehold) -> String {
    let output = server.output();
    let is_announcement = |line: &&str| {
        ["  operator token: ", "  virtual key: "]
            .iter()
            .any(|label| line.starts_with(label))
    };
    assert_eq!(
        output.lines().filter(is_announcement).count(),
        2,
        "each is said once"
    );
    output
        .lines()
        .filter(|line| !is_announcement(line))
        .collect::<Vec<_>>()
        .join("\n")
}

async fn search_everything(options: Options, database: Option<(&Postgres, &str)>) {
    let provider = Simulator::start(Shape::OpenAi);
    let mut server = Freehold::start(options.log("trace")).await;
    let (secrets, planted) = Secrets::of(&server).await;
    let answers = Drive::new(&server, &provider, &planted).run().await;
    assert!(answers.len() > 150, "only {} answers", answers.len());

    let log = output_but_for_the_announcement(&server);
    assert!(
        log.contains("\"TRACE\"") || log.contains("TRACE"),
        "the log is at its loudest"
    );
    assert!(!log.contains("panicked"), "{log}");
    secrets.must_be_absent("the output", &log);
    secrets.must_be_absent_from_answers(&answers);
    for file in ["cmdline", "environ"] {
        let text = std::fs::read(format!("/proc/{}/{file}", server.process_id())).unwrap();
        secrets.must_be_absent(file, text);
    }
    let commands = [&["config", "dump"][..], &["config", "check"], &["doctor"]];
    for arguments in commands {
        let output = server.run(arguments);
        secrets.must_be_absent(&arguments.join(" "), [output.stdout, output.stderr].concat());
    }

    // The key itself is where it belongs, and nowhere beside it.
    let key = server.data().join("root.key");
    let aside = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    secrets.must_be_absent_from_path(server.scratch());
    assert!(server.terminate().await.success());
    secrets.must_be_absent_from_path(server.scratch());
    std::fs::write(&key, aside).unwrap();
    secrets.must_be_absent("the output of the end", output_but_for_the_announcement(&server));
    if let Some((postgres, name)) = database {
        secrets.must_be_absent("the dump of the database", postgres.dump(name));
        secrets.must_be_absent("the log of the database", postgres.log());
    }

    // The same search finds what is there: the provider saw its key, and the root key lies in its file.
    let seen = format!(
        "{:?}",
        provider
            .requests()
            .iter()
            .map(|seen| &seen.headers)
            .collect::<Vec<_>>()
    );
    let found = |name: &str, bytes: &[u8]| {
        let (_, canary) = secrets.0.iter().find(|(known, _)| *known == name).unwrap();
        !canary.search(name, bytes).is_empty()
    };
    assert!(
        found("the provider key", seen.as_bytes())
            && found("the provider key after its rotation", seen.as_bytes())
    );
    let file = std::fs::read(&key).unwrap();
    assert!(found("the root key as text", &file) && found("the root key", &file));
    let whole = server.output();
    assert!(found("the operator token", whole.as_bytes()) && found("the virtual key", whole.as_bytes()));
}

#[tokio::test]
async fn no_secret_is_found_anywhere_on_sqlite() {
    search_everything(options_without_token(), None).await;
}

#[tokio::test]
async fn no_secret_is_found_anywhere_on_postgres() {
    let postgres = Postgres::start();
    let url = postgres.database();
    let name = url.rsplit('/').next().unwrap().to_owned();
    search_everything(options_without_token().database(url), Some((&postgres, &name))).await;
}
