//! Tests: every way we know to write a forbidden place, and that each is met by the rule that is meant for it. One thing:
//! the table, and what the rules over it promise.

use std::net::{IpAddr, SocketAddr};

use super::*;
use crate::provider::ProviderKind;

/// What becomes of a target without any listing.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Passes,
    Malformed(BaseUrlError),
    Leads(AddressClass),
    NotHttps,
    Port,
}

use AddressClass::{
    CloudHost, Documentation, LinkLocal, Loopback, Multicast, Private, Public, Reserved, Shared, Tunnel,
    Unspecified,
};
use Fate::{Leads, Malformed, NotHttps, Passes, Port};

fn base(text: &str) -> BaseUrl {
    BaseUrl::parse(ProviderKind::OpenaiCompatible, text).unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn texts(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|entry| (*entry).to_owned()).collect()
}

fn listing(entries: &[&str]) -> EgressPolicy {
    EgressPolicy::new(&texts(entries)).unwrap()
}

fn fate(text: &str) -> Fate {
    let base = match BaseUrl::parse(ProviderKind::OpenaiCompatible, text) {
        Ok(base) => base,
        Err(error) => return Malformed(error),
    };
    match EgressPolicy::default().check_url(&base) {
        Ok(()) => Passes,
        Err(EgressDenial::Address { class, .. }) => Leads(class),
        Err(EgressDenial::NotHttps { .. }) => NotHttps,
        Err(EgressDenial::Port { .. }) => Port,
        Err(other) => panic!("{text}: {other}"),
    }
}

#[test]
fn every_way_to_write_a_forbidden_host_meets_its_rule() {
    use BaseUrlError as E;
    let rows: &[(&str, Fate)] = &[
        // Loopback in the number systems that browsers read.
        ("https://127.0.0.1", Leads(Loopback)),
        ("https://127.1", Leads(Loopback)),
        ("https://127.0.1", Leads(Loopback)),
        ("https://2130706433", Leads(Loopback)),
        ("https://0x7f000001", Leads(Loopback)),
        ("https://0X7F000001", Leads(Loopback)),
        ("https://0x7f.1", Leads(Loopback)),
        ("https://0x7f.0x0.0x0.0x1", Leads(Loopback)),
        ("https://0177.0.0.1", Leads(Loopback)),
        ("https://0177.0.0.01", Leads(Loopback)),
        ("https://00000177.1", Leads(Loopback)),
        ("https://017700000001", Leads(Loopback)),
        ("https://0177.0x0.0.1", Leads(Loopback)),
        ("https://127.0.0.1.", Leads(Loopback)),
        ("https://127.255.255.254", Leads(Loopback)),
        ("https://127.65535", Leads(Loopback)),
        ("https://%31%32%37.0.0.1", Leads(Loopback)),
        ("https://127%2e0%2e0%2e1", Leads(Loopback)),
        // Digits and dots of other scripts are mapped to ours.
        ("https://１２７.０.０.１", Leads(Loopback)),
        ("https://①②⑦.⓪.⓪.①", Leads(Loopback)),
        ("https://𝟭𝟮𝟳.𝟬.𝟬.𝟭", Leads(Loopback)),
        ("https://127。0。0。1", Leads(Loopback)),
        ("https://127．0．0．1", Leads(Loopback)),
        ("https://127｡0｡0｡1", Leads(Loopback)),
        ("https://０ｘ７ｆ.1", Leads(Loopback)),
        ("https://127.0.0.\u{200b}1", Leads(Loopback)),
        ("https://127.0.0.\u{ad}1", Leads(Loopback)),
        ("https://٠.٠.٠.٠", Malformed(E::Host)),
        // Nowhere, and private networks.
        ("https://0", Leads(Unspecified)),
        ("https://0.0.0.0", Leads(Unspecified)),
        ("https://0x0", Leads(Unspecified)),
        ("https://0.1.2.3", Leads(Unspecified)),
        ("https://10.0.0.1", Leads(Private)),
        ("https://10.1", Leads(Private)),
        ("https://012.0.0.1", Leads(Private)),
        ("https://167772161", Leads(Private)),
        ("https://172.16.0.1", Leads(Private)),
        ("https://172.31.255.255", Leads(Private)),
        ("https://172.15.255.255", Passes),
        ("https://172.32.0.0", Passes),
        ("https://192.168.0.1", Leads(Private)),
        ("https://192.168.257", Leads(Private)),
        ("https://3232235521", Leads(Private)),
        ("https://0xc0a80001", Leads(Private)),
        ("https://0300.0250.0.1", Leads(Private)),
        // Carriers, clouds, and the rest of the register.
        ("https://100.64.0.1", Leads(Shared)),
        ("https://100.127.255.255", Leads(Shared)),
        ("https://100.100.100.200", Leads(Shared)),
        ("https://100.63.255.255", Passes),
        ("https://100.128.0.0", Passes),
        ("https://169.254.169.254", Leads(LinkLocal)),
        ("https://2852039166", Leads(LinkLocal)),
        ("https://0xa9fea9fe", Leads(LinkLocal)),
        ("https://0251.0376.0251.0376", Leads(LinkLocal)),
        ("https://169.254.43518", Leads(LinkLocal)),
        ("https://168.63.129.16", Leads(CloudHost)),
        ("https://168.63.129.17", Passes),
        ("https://192.0.0.192", Leads(Reserved)),
        ("https://192.0.2.1", Leads(Documentation)),
        ("https://192.88.99.1", Leads(Tunnel)),
        ("https://198.18.0.1", Leads(Documentation)),
        ("https://198.19.255.255", Leads(Documentation)),
        ("https://198.20.0.0", Passes),
        ("https://198.51.100.7", Leads(Documentation)),
        ("https://203.0.113.7", Leads(Documentation)),
        ("https://224.0.0.1", Leads(Multicast)),
        ("https://239.255.255.250", Leads(Multicast)),
        ("https://240.0.0.1", Leads(Reserved)),
        ("https://255.255.255.255", Leads(Reserved)),
        ("https://4294967295", Leads(Reserved)),
        ("https://4294967296", Malformed(E::Host)),
        ("https://8.8.8.8", Passes),
        ("https://134744072", Passes),
        // IPv6 by its own ranges.
        ("https://[::]", Leads(Unspecified)),
        ("https://[::1]", Leads(Loopback)),
        ("https://[0:0:0:0:0:0:0:1]", Leads(Loopback)),
        (
            "https://[0000:0000:0000:0000:0000:0000:0000:0001]",
            Leads(Loopback),
        ),
        ("https://[fc00::1]", Leads(Private)),
        ("https://[fdff:ffff::1]", Leads(Private)),
        ("https://[fd00:ec2::254]", Leads(Private)),
        ("https://[fe80::1]", Leads(LinkLocal)),
        ("https://[febf::1]", Leads(LinkLocal)),
        ("https://[fe80::1%25eth0]", Malformed(E::Host)),
        ("https://[fec0::1]", Leads(Private)),
        ("https://[ff02::1]", Leads(Multicast)),
        ("https://[2001::1]", Leads(Tunnel)),
        ("https://[2001:0:4136:e378:8000:63bf:80ff:fffe]", Leads(Tunnel)),
        ("https://[2001:2::1]", Leads(Tunnel)),
        ("https://[2001:20::1]", Leads(Tunnel)),
        ("https://[2001:db8::1]", Leads(Documentation)),
        ("https://[3fff::1]", Leads(Documentation)),
        ("https://[3fff:fff::1]", Leads(Documentation)),
        ("https://[100::1]", Leads(Reserved)),
        ("https://[5f00::1]", Leads(Reserved)),
        ("https://[64:ff9b:1::1]", Leads(Tunnel)),
        ("https://[64:ff9b:1::8.8.8.8]", Leads(Tunnel)),
        ("https://[64:ff9b:2::1]", Leads(Reserved)),
        ("https://[4000::1]", Leads(Reserved)),
        ("https://[1::1]", Leads(Reserved)),
        ("https://[2606:4700::1111]", Passes),
        ("https://[2a00:1450:4001::8a]", Passes),
        // IPv4 hidden in IPv6.
        ("https://[::ffff:127.0.0.1]", Leads(Loopback)),
        ("https://[::ffff:7f00:1]", Leads(Loopback)),
        ("https://[0:0:0:0:0:ffff:7f00:1]", Leads(Loopback)),
        ("https://[::FFFF:169.254.169.254]", Leads(LinkLocal)),
        ("https://[::ffff:10.0.0.1]", Leads(Private)),
        ("https://[::ffff:0.0.0.0]", Leads(Unspecified)),
        ("https://[::ffff:8.8.8.8]", Passes),
        ("https://[::127.0.0.1]", Leads(Loopback)),
        ("https://[::7f00:1]", Leads(Loopback)),
        ("https://[::a9fe:a9fe]", Leads(LinkLocal)),
        ("https://[::2]", Leads(Unspecified)),
        ("https://[::ffff:0:127.0.0.1]", Leads(Reserved)),
        ("https://[64:ff9b::7f00:1]", Leads(Loopback)),
        ("https://[64:ff9b::127.0.0.1]", Leads(Loopback)),
        ("https://[64:ff9b::a9fe:a9fe]", Leads(LinkLocal)),
        ("https://[64:ff9b::192.168.1.1]", Leads(Private)),
        ("https://[64:ff9b::8.8.8.8]", Passes),
        ("https://[2002:7f00:1::]", Leads(Loopback)),
        ("https://[2002:7f00:1::1]", Leads(Loopback)),
        ("https://[2002:a9fe:a9fe::]", Leads(LinkLocal)),
        ("https://[2002:c0a8:101::1]", Leads(Private)),
        ("https://[2002:808:808::1]", Passes),
        ("https://[fe80::5efe:8.8.8.8]", Leads(LinkLocal)),
        ("https://[2606:4700::5efe:127.0.0.1]", Leads(Loopback)),
        ("https://[2606:4700::200:5efe:10.0.0.1]", Leads(Private)),
        ("https://[2606:4700::5efe:8.8.8.8]", Passes),
        ("https://[4000::5efe:8.8.8.8]", Leads(Reserved)),
        // Names, of which more is known once they are resolved, and tricks around them.
        ("https://localhost", Passes),
        ("https://LOCALHOST", Passes),
        ("https://localhost.", Malformed(E::Host)),
        ("https://foo.localhost", Passes),
        ("https://metadata.google.internal", Passes),
        ("https://127.0.0.1.nip.io", Passes),
        ("https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", Passes),
        ("https://127.0.0.1.example", Passes),
        ("https://example.127", Malformed(E::Host)),
        ("https://1.2.3.4.5", Malformed(E::Host)),
        ("https://0x7f.example.0x1", Malformed(E::Host)),
        ("https://127.0.0.1..", Malformed(E::Host)),
        ("https://api.openai.com.", Malformed(E::Host)),
        ("https://api..openai.com", Malformed(E::Host)),
        ("https://api.openai.com@127.0.0.1", Malformed(E::UserInfo)),
        ("https://api.openai.com:443@127.0.0.1", Malformed(E::UserInfo)),
        ("https://127.0.0.1@api.openai.com", Malformed(E::UserInfo)),
        ("https://api.openai.com%40127.0.0.1", Malformed(E::Host)),
        ("https://api.openai.com\\@127.0.0.1", Malformed(E::Character)),
        ("https://api.openai.com#@127.0.0.1", Malformed(E::Fragment)),
        ("https://api.openai.com?@127.0.0.1", Malformed(E::Query)),
        ("https:127.0.0.1", Leads(Loopback)),
        ("https:///127.0.0.1", Leads(Loopback)),
        ("https:/127.0.0.1/", Leads(Loopback)),
        ("hTTps://127.0.0.1", Leads(Loopback)),
        ("https://127.0.0.1\r\nHost: h", Malformed(E::Character)),
        // Ports and schemes.
        ("http://api.openai.com", NotHttps),
        ("http://api.openai.com:443", NotHttps),
        ("http://8.8.8.8", NotHttps),
        ("https://api.openai.com:80", Port),
        ("https://api.openai.com:8443", Port),
        ("https://api.openai.com:0443", Passes),
        ("https://api.openai.com:22", Port),
        ("http://127.0.0.1:6379", NotHttps),
        ("https://127.0.0.1:6379", Port),
        ("redis://127.0.0.1:6379", Malformed(E::Scheme)),
        ("dict://127.0.0.1:11211", Malformed(E::Scheme)),
        ("ws://api.openai.com", Malformed(E::Scheme)),
        ("data:text/plain,x", Malformed(E::Scheme)),
        ("javascript:1", Malformed(E::Scheme)),
        ("https://api.openai.com", Passes),
    ];
    assert!(rows.len() >= 120, "{}", rows.len());
    let wrong: Vec<_> = rows
        .iter()
        .filter(|(text, expected)| fate(text) != *expected)
        .collect();
    let found: Vec<_> = wrong
        .iter()
        .map(|(text, expected)| (text, expected, fate(text)))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_name_is_refused_for_every_address_that_is_not_public() {
    let policy = EgressPolicy::default();
    let named = base("https://api.example.com");
    for (text, class) in [
        ("127.0.0.1", Loopback),
        ("::1", Loopback),
        ("::ffff:127.0.0.1", Loopback),
        ("64:ff9b::10.0.0.1", Private),
        ("169.254.169.254", LinkLocal),
        ("fd00:ec2::254", Private),
        ("0.0.0.0", Unspecified),
    ] {
        let denial = policy.check_address(&named, address(text)).unwrap_err();
        assert_eq!(
            denial,
            EgressDenial::Address {
                host: "api.example.com".to_owned(),
                port: 443,
                class
            },
            "{text}"
        );
        assert!(
            !denial.to_string().contains(text),
            "a denial must not tell where a name leads: {denial}"
        );
    }
    assert_eq!(policy.check_address(&named, address("1.1.1.1")), Ok(()));
    assert_eq!(policy.check_address(&named, address("2606:4700::1111")), Ok(()));
}

#[test]
fn localhost_may_be_written_and_is_refused_when_it_is_resolved() {
    let policy = EgressPolicy::default();
    for name in ["https://localhost", "https://foo.localhost", "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ"] {
        let base = base(name);
        assert_eq!(policy.check_url(&base), Ok(()));
        assert!(policy.check_address(&base, address("127.0.0.1")).is_err());
        assert!(policy.check_address(&base, address("::1")).is_err());
    }
}

#[test]
fn a_listed_target_is_open_at_exactly_its_port() {
    let policy = listing(&[
        "127.0.0.1:11434",
        "ollama:11434",
        "10.1.0.0/16:8000",
        "fd00::/8:*",
        "[fc00::7]:9000",
    ]);
    for (text, resolved, open) in [
        ("http://127.0.0.1:11434", "127.0.0.1", true),
        ("https://127.0.0.1:11434", "127.0.0.1", true),
        ("http://2130706433:11434/v1", "127.0.0.1", true),
        ("http://[::ffff:127.0.0.1]:11434", "::ffff:127.0.0.1", true),
        ("http://127.0.0.1:11435", "127.0.0.1", false),
        ("http://127.0.0.2:11434", "127.0.0.2", false),
        ("http://[64:ff9b::7f00:1]:11434", "64:ff9b::7f00:1", false),
        ("http://[::1]:11434", "::1", false),
        ("http://ollama:11434", "172.18.0.2", true),
        ("http://OLLAMA:11434", "127.0.0.1", true),
        ("http://ollama:11434", "8.8.8.8", true),
        ("http://ollama:80", "172.18.0.2", false),
        ("http://ollama.example:11434", "172.18.0.2", false),
        ("http://10.1.2.3:8000", "10.1.2.3", true),
        ("http://10.2.2.3:8000", "10.2.2.3", false),
        ("http://10.1.2.3", "10.1.2.3", false),
        ("http://[fd00::9]:1", "fd00::9", true),
        ("http://[fc00::7]:9000", "fc00::7", true),
        ("http://[fc00::8]:9000", "fc00::8", false),
    ] {
        let base = base(text);
        let answer = policy
            .check_url(&base)
            .and_then(|()| policy.check_address(&base, address(resolved)));
        assert_eq!(answer.is_ok(), open, "{text} at {resolved}: {answer:?}");
    }
}

#[test]
fn a_name_that_resolves_into_a_listed_range_is_open_and_only_there() {
    let policy = listing(&["10.0.0.0/8:*"]);
    let inner = base("http://gpu.lan:8000");
    assert_eq!(policy.check_url(&inner), Ok(()));
    assert_eq!(policy.check_address(&inner, address("10.3.2.1")), Ok(()));
    assert!(matches!(
        policy.check_address(&inner, address("8.8.8.8")),
        Err(EgressDenial::NotHttps { .. })
    ));
    assert!(matches!(
        policy.check_address(&inner, address("192.168.0.1")),
        Err(EgressDenial::NotHttps { .. })
    ));
    let secure = base("https://gpu.lan:8000");
    assert!(matches!(
        policy.check_address(&secure, address("8.8.8.8")),
        Err(EgressDenial::Port { port: 8000, .. })
    ));
}

#[test]
fn a_listed_name_does_not_open_the_metadata_service_and_a_listed_address_does() {
    let named = base("http://ollama:80");
    for text in [
        "169.254.169.254",
        "fe80::1",
        "168.63.129.16",
        "0.0.0.0",
        "224.0.0.1",
        "::ffff:169.254.169.254",
    ] {
        assert!(
            listing(&["ollama:80"])
                .check_address(&named, address(text))
                .is_err(),
            "{text}"
        );
    }
    assert_eq!(
        listing(&["169.254.0.0/16:80"]).check_address(&named, address("169.254.169.254")),
        Ok(())
    );
}

#[test]
fn allowed_hosts_narrow_what_is_public_and_leave_what_is_listed() {
    let policy = listing(&["ollama:11434"])
        .with_allowed_hosts(&texts(&["API.openai.com", "*.mistral.ai"]))
        .unwrap();
    for (text, open) in [
        ("https://api.openai.com", true),
        ("https://evil.api.openai.com", false),
        ("https://api.openai.com.evil.example", false),
        ("https://api.mistral.ai", true),
        ("https://a.b.mistral.ai", true),
        ("https://mistral.ai", false),
        ("https://notmistral.ai", false),
        ("https://1.1.1.1", false),
        ("http://ollama:11434", true),
    ] {
        assert_eq!(policy.check_url(&base(text)).is_ok(), open, "{text}");
    }
    assert!(
        policy
            .check_address(&base("https://evil.example"), address("1.1.1.1"))
            .is_err()
    );
}

#[test]
fn a_denied_range_is_closed_to_names_listings_and_hidden_addresses() {
    let policy = listing(&["10.0.0.0/8:*"])
        .with_denied_ranges(&texts(&["10.9.0.0/16", "2606:4700:64::/96", "1.2.3.4"]))
        .unwrap();
    for (text, resolved) in [
        ("http://10.9.0.1:80", "10.9.0.1"),
        ("https://h", "2606:4700:64::7f00:1"),
        ("https://h", "1.2.3.4"),
        ("https://h", "::ffff:1.2.3.4"),
        ("https://h", "64:ff9b::1.2.3.4"),
        ("https://h", "2002:102:304::1"),
    ] {
        let denial = policy.check_address(&base(text), address(resolved));
        assert!(
            matches!(denial, Err(EgressDenial::Range { .. })),
            "{resolved}: {denial:?}"
        );
    }
    assert_eq!(
        policy.check_address(&base("http://10.8.0.1:80"), address("10.8.0.1")),
        Ok(())
    );
}

#[test]
fn the_gateway_is_no_target_of_its_own_even_if_listed() {
    let own = |text: &str| text.parse::<SocketAddr>().unwrap();
    let listed = ["127.0.0.0/8:*", "[::1]:8080", "[::]:8080", "0.0.0.0/32:*"];
    let policy = listing(&listed).with_own_addresses(&[own("127.0.0.1:8080")]);
    for (text, open) in [
        ("http://127.0.0.1:8080", false),
        ("http://[::ffff:127.0.0.1]:8080", false),
        ("http://0.0.0.0:8080", false),
        ("http://127.0.0.1:8081", true),
        ("http://127.0.0.2:8080", true),
        ("http://[::1]:8080", true),
    ] {
        assert_eq!(policy.check_url(&base(text)).is_ok(), open, "{text}");
    }
    for everywhere in ["0.0.0.0:8080", "[::]:8080"] {
        let policy = listing(&listed).with_own_addresses(&[own(everywhere)]);
        for text in [
            "http://127.0.0.1:8080",
            "http://127.9.9.9:8080",
            "http://[::1]:8080",
        ] {
            assert!(
                matches!(policy.check_url(&base(text)), Err(EgressDenial::Itself { .. })),
                "{text}"
            );
        }
    }
}

#[test]
fn the_sandbox_needs_no_way_out() {
    let narrowed = EgressPolicy::default()
        .with_allowed_hosts(&texts(&["api.openai.com"]))
        .unwrap();
    assert_eq!(narrowed.check_url(&BaseUrl::sandbox()), Ok(()));
}

#[test]
fn an_entry_that_is_no_target_is_refused_and_repeated() {
    for entry in [
        "",
        "ollama",
        "ollama:",
        ":11434",
        "ollama:0",
        "ollama:65536",
        "ollama:+80",
        "http://ollama:80",
        "ollama:80/v1",
        "::1:443",
        "[::1]",
        "10.0.0.0/33:80",
        "10.0.0.0/8",
        "0x7f.1:80",
        "2130706433:80",
        "a b:80",
        "user@h:80",
        "ollama.:80",
    ] {
        let error = EgressPolicy::new(&texts(&[entry])).unwrap_err();
        assert_eq!(error, EgressConfigError::PrivateTarget(entry.to_owned()));
    }
    for entry in ["ollama:*", "127.0.0.1:*", "[::1]:*"] {
        assert_eq!(
            EgressPolicy::new(&texts(&[entry])).unwrap_err(),
            EgressConfigError::EveryPort(entry.to_owned())
        );
    }
    for entry in ["", "*", "*.", "https://h", "h:443", "1.2.3.4", "*.*.h", "a/b"] {
        let error = EgressPolicy::default()
            .with_allowed_hosts(&texts(&[entry]))
            .unwrap_err();
        assert_eq!(error, EgressConfigError::AllowedHost(entry.to_owned()));
    }
    for entry in ["", "h", "10.0.0.0/40", "10.0.0.0/8:80"] {
        let error = EgressPolicy::default()
            .with_denied_ranges(&texts(&[entry]))
            .unwrap_err();
        assert_eq!(error, EgressConfigError::DeniedRange(entry.to_owned()));
    }
}

#[test]
fn every_address_outside_the_register_is_public_and_every_class_is_met() {
    let seen: std::collections::HashSet<_> = [
        "1.1.1.1",
        "0.0.0.0",
        "127.0.0.1",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.0.1",
        "168.63.129.16",
        "224.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "240.0.0.1",
    ]
    .map(|text| address::classify(address(text)))
    .into();
    let all = [
        Public,
        Unspecified,
        Loopback,
        Private,
        Shared,
        LinkLocal,
        CloudHost,
        Multicast,
        Documentation,
        Tunnel,
        Reserved,
    ];
    assert_eq!(seen, all.into());
    assert_eq!(
        all.map(AddressClass::as_str)
            .into_iter()
            .collect::<std::collections::HashSet<_>>()
            .len(),
        all.len()
    );
}
