//! The throw-away servers serve, are separate, come back after a crash, and leave nothing behind.

use std::net::TcpStream;

use freehold_testkit::postgres::Postgres;
use freehold_testkit::redis::Redis;

/// The host and port in a URL.
fn address(url: &str) -> String {
    let (_, rest) = url.split_once("//").unwrap();
    rest.split('@')
        .next_back()
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned()
}

#[test]
fn every_database_is_fresh_and_nothing_is_left_of_the_server() {
    let server = Postgres::start();
    let (one, other) = (server.database(), server.database());
    assert_ne!(one, other);
    assert!(
        String::from_utf8(server.dump("test_0"))
            .unwrap()
            .contains("PostgreSQL database dump")
    );
    let directory = server.directory().to_owned();
    assert!(directory.join("data/PG_VERSION").is_file());
    drop(server);
    assert!(!directory.exists());
    assert!(TcpStream::connect(address(&one)).is_err());
}

#[test]
fn a_crashed_server_comes_back_with_its_databases() {
    let mut server = Postgres::start_durable();
    let url = server.database();
    server.crash();
    assert!(TcpStream::connect(address(&url)).is_err());
    server.restart();
    assert!(TcpStream::connect(address(&url)).is_ok());
    assert!(
        String::from_utf8(server.dump("test_0"))
            .unwrap()
            .contains("PostgreSQL database dump")
    );
}

#[test]
fn a_redis_forgets_and_comes_back() {
    let mut server = Redis::start();
    let (one, other) = (server.database(), server.database());
    assert_ne!(one, other);
    server.flush();
    server.crash();
    assert!(TcpStream::connect(address(&one)).is_err());
    server.restart();
    server.flush();
}
