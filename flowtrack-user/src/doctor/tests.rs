use super::{Examined, Finding, Report, examine};

fn examined(interface: &str, findings: Vec<Finding>) -> Examined {
    Examined {
        interface: interface.to_owned(),
        findings,
    }
}

#[test]
fn one_good_interface_is_enough_if_none_was_named() {
    let good = || examined("eth0", vec![Finding::warning("x", "x")]);
    let bad = || examined("eth1", vec![Finding::problem("x", "x")]);
    let cases = [
        (vec![good(), bad()], true, true),
        (vec![good(), bad()], false, false),
        (vec![good()], false, true),
        (vec![bad()], true, false),
        (Vec::new(), true, false),
    ];
    for (interfaces, any, expected) in cases {
        let report = Report::new(Vec::new(), interfaces.clone(), any);
        assert_eq!(report.can_capture, expected, "{interfaces:?}, any: {any}");
        let host = vec![Finding::problem("kernel", "too old")];
        assert!(!Report::new(host, interfaces, any).can_capture);
    }
}

#[test]
fn the_text_says_the_worst_first_and_breaks_no_command() {
    let host = vec![
        Finding::ok("kernel", "fine"),
        Finding::problem(
            "privileges",
            "words that are more than fit into a line of that width",
        )
        .why("Because.")
        .fix("a command of many words that is longer than a line of that width can be"),
    ];
    let report = Report::new(host, Vec::new(), false);
    let expected = "\
host
  problem  privileges   words that are more than fit into a
                        line of that width
                        Because.
                        $ a command of many words that is longer than a line of that width can be
  ok       kernel       fine

1 problem, 0 warnings, 0 notes: there is no interface that could be tapped
";
    assert_eq!(report.text(60).to_string(), expected);
}

#[test]
fn the_json_has_severities_in_words() {
    let host = vec![Finding::warning("BPF JIT", "off").fix("sysctl")];
    let json = Report::new(host, Vec::new(), false).json().unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let finding = &json["host"][0];
    assert_eq!(finding["severity"], "warning");
    assert_eq!(finding["fix"], "sysctl");
    assert_eq!(finding.get("why"), None);
    assert_eq!(json["can_capture"], true);
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    let error = examine(&["no-such-if".to_owned()]).unwrap_err().to_string();
    assert!(
        error.contains("no-such-if") && error.contains("ip link"),
        "{error}"
    );
}
