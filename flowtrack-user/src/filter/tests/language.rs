//! What is understood, and what is said of the rest.

use proptest::{collection::vec, prelude::*};

use crate::filter::{Filter, parse::parse};

/// Expressions that say the same.
const SAME: [(&str, &str); 22] = [
    ("port 80 or 443", "port 80 or port 443"),
    ("port (80 or 443)", "(port 80 or 443)"),
    (
        "src host 10.0.0.1 or 10.0.0.2",
        "src 10.0.0.1 or src 10.0.0.2",
    ),
    ("tcp && !udp || ip6", "tcp and not udp or ip6"),
    ("tcp or udp and ip", "(tcp or udp) and ip"),
    ("not not tcp", "tcp"),
    ("not not not tcp", "!tcp"),
    ("src or dst port 7", "port 7"),
    ("dst or src port 7", "port 7"),
    ("dst and src port 7", "src and dst port 7"),
    ("net 10.1", "net 10.1.0.0/16"),
    ("net 10", "net 10.0.0.0 mask 255.0.0.0"),
    ("net 10.1.2.3", "host 10.1.2.3"),
    ("host 10", "host 0.0.0.10"),
    ("net 2001:db8::", "host 2001:db8::"),
    ("port 0x50", "port 80"),
    ("port 0120", "port 80"),
    ("portrange 9-7", "portrange 7-9"),
    ("portrange 7", "port 7"),
    ("less 60", "len <= 60"),
    ("greater 60", "length >= 60"),
    (
        "tcp[tcpflags] & (tcp-syn | tcp-fin) == 1 + 2 * 3 - 4",
        "tcp[13]&3=3",
    ),
];

/// What is wrong with expressions: the message, and what the carets stand under. An empty text stands
/// for the end.
const WRONG: [(&str, &str, &str); 42] = [
    ("", "expected a test such as host, port or tcp", ""),
    (
        "tcp port",
        "expected a port number or the name of a service",
        "",
    ),
    (
        "tcp prot 80",
        "expected a word such as host, src or port, and, or or the end",
        "prot",
    ),
    (
        "tcp port no-such-service",
        "no service is called no-such-service",
        "no-such-service",
    ),
    ("port 70000", "70000 is more than 65535", "70000"),
    (
        "port 99999999999999999999",
        "is more than 65535",
        "99999999999999999999",
    ),
    ("port 80 443", "expected and, or or the end", "443"),
    ("portrange 1-", "expected two ports", "1-"),
    ("portrange 1-70000", "70000 is more than 65535", "1-70000"),
    ("udp port ssh", "the service ssh is TCP", "ssh"),
    ("host", "expected an IP address", ""),
    ("host example.org", "names are not looked up", "example.org"),
    (
        "host 10.0.0.256",
        "10.0.0.256 is not an IP address",
        "10.0.0.256",
    ),
    ("host 1.2.3.4.5", "is not an IP address", "1.2.3.4.5"),
    ("host 10.0.0.1/8", "a prefix goes with net", "/"),
    (
        "ip6 host 10.0.0.1",
        "this protocol has no such addresses",
        "10.0.0.1",
    ),
    ("ip host ::1", "this protocol has no such addresses", "::1"),
    ("net 10.0.0.1/8", "bits outside of the mask", "10.0.0.1"),
    ("net 10.0.0.0/33", "33 is more than 32", "33"),
    ("net 2001:db8::/129", "129 is more than 128", "129"),
    ("net 10.0.0.0 mask x", "expected a mask", "x"),
    ("ether host 1:2:3:4:5", "is not a MAC address", "1:2:3:4:5"),
    (
        "ether host 1:2:3:4:5:6:7",
        "is not a MAC address",
        "1:2:3:4:5:6:7",
    ),
    (
        "ether port 80",
        "these words do not go together",
        "ether port",
    ),
    (
        "tcp host 10.0.0.1",
        "these words do not go together",
        "tcp host",
    ),
    ("src proto 6", "these words do not go together", "src proto"),
    ("ether tcp", "multicast, broadcast or proto", "tcp"),
    (
        "ip proto nothing",
        "no protocol is called nothing here",
        "nothing",
    ),
    ("ip proto 256", "256 is more than 255", "256"),
    ("ether proto 65536", "65536 is more than 65535", "65536"),
    ("(tcp or udp", "expected and, or or )", ""),
    ("tcp)", "or the end", ")"),
    ("tcp and", "expected a test such as host, port or tcp", ""),
    (
        "tcp or 80",
        "expected a test such as host, port or tcp",
        "80",
    ),
    ("vlan 4096", "4096 is more than 4095", "4096"),
    (
        "tcp and gateway x",
        "this word of tcpdump means nothing here",
        "gateway",
    ),
    ("tcp[13] & 2", "expected a comparison", ""),
    ("tcp[13 = 2", "expected ]", "="),
    ("tcp[13:3] = 2", "expected 1, 2 or 4 bytes", "3"),
    ("len / 0 > 1", "division by 0", "/ 0 "),
    ("len << 32 > 1", "shifted by more than 31 bits", "<< 32 "),
    ("less many", "expected a length in bytes", "many"),
];

#[test]
fn what_means_the_same_is_the_same() {
    for (one, other) in SAME {
        assert_eq!(parse(one).unwrap(), parse(other).unwrap(), "{one}; {other}");
    }
}

#[test]
fn what_joins_differently_is_not_the_same() {
    for (one, other) in [
        ("tcp or udp and ip", "tcp or (udp and ip)"),
        ("ip and port 80 or 443", "ip and (port 80 or 443)"),
        (
            "src and dst net 10 or 11",
            "src net 10 or 11 and dst net 10 or 11",
        ),
        (
            "port 80 or (host 10.0.0.1) or 53",
            "port 80 or (host 10.0.0.1 or 53)",
        ),
    ] {
        assert_ne!(parse(one).unwrap(), parse(other).unwrap(), "{one}; {other}");
    }
}

#[test]
fn what_is_wrong_is_said_and_pointed_at() {
    for (text, message, at) in WRONG {
        let error = parse(text).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(message), "{text}: {said}");
        assert_eq!(&text[error.at()], at, "{text}: {said}");
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), 3, "{said}");
        let carets = 2 + error.at().start..2 + error.at().start + at.len().max(1);
        assert_eq!(lines[1], format!("  {text}"));
        assert_eq!(lines[2].trim_end_matches('^').len(), carets.start, "{said}");
        assert_eq!(lines[2].len(), carets.end, "{said}");
    }
}

#[test]
fn a_filter_is_shown_as_it_was_written() {
    let text = "tcp  port 80";
    assert_eq!(text.parse::<Filter>().unwrap().to_string(), text);
}

#[test]
fn an_expression_can_be_long_and_only_so_deep() {
    let many = vec!["not tcp"; 5000].join(" and ");
    assert!(many.parse::<Filter>().is_ok());
    let deep = |levels: usize| format!("{}tcp{}", "(".repeat(levels), ")".repeat(levels));
    assert!(deep(60).parse::<Filter>().is_ok());
    let error = deep(100_000).parse::<Filter>().unwrap_err();
    assert!(
        error.to_string().contains("nested too deeply"),
        "{error:.99}"
    );
    let minus = format!("{}1 = len", "-".repeat(100_000));
    assert!(minus.parse::<Filter>().is_err());
    let remainders = format!("{}1 = len", "len % ".repeat(100_000));
    assert!(remainders.parse::<Filter>().is_err());
    let huge = vec!["(host ::1 or tcp)"; 5000].join(" and ");
    let error = huge.parse::<Filter>().unwrap_err();
    assert!(error.to_string().starts_with("this is too long"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_a_place_in_it(
        words in vec(
            prop_oneof![
                4 => proptest::sample::select(&[
                    "tcp", "ip6", "ether", "src", "or", "and", "not", "host", "net", "port", "(", ")",
                    "10.1", "::1", "80", "1:2:3:4:5:6", "proto", "vlan", "[", "]", ":", "len", "<", "=",
                    "&", "%", "-", "/", "mask", "portrange", "1-2", "multicast",
                ][..]).prop_map(str::to_owned),
                1 => ".{0,6}",
            ],
            0..14,
        ),
        space in "[ \t\n]?",
    ) {
        let text = words.join(&space);
        if let Err(error) = text.parse::<Filter>() {
            prop_assert!(text.get(error.at()).is_some(), "{:?} of {text:?}", error.at());
            prop_assert_eq!(error.to_string().lines().count(), 3);
        }
    }
}
