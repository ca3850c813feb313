//! From what is typed to what is meant.

use std::{path::PathBuf, time::Duration};

use clap::{CommandFactory, Parser};
use flowtrack_common::L4Proto;

use super::{BenchArgs, BenchCommand, Cli, Command, SharedArgs};
use crate::{
    bench::{
        track::{Source, TrackBench},
        traffic::{Dist, Synthetic},
    },
    flow::{ExtractorConfig, Fragments, IcmpFlows, TimeoutClass, Timeouts, TrackerConfig, Tunnels},
};

fn typed(options: &str) -> Result<SharedArgs, String> {
    let line = format!("flowtrack read file.pcap {options}");
    match Cli::try_parse_from(line.split_whitespace()) {
        Ok(Cli {
            command: Command::Read(args),
        }) => Ok(args.shared),
        Ok(other) => panic!("{other:?} is not read"),
        Err(error) => Err(error.to_string()),
    }
}

fn extractor(options: &str) -> ExtractorConfig {
    typed(options).unwrap().extractor()
}

fn tracker(options: &str) -> TrackerConfig {
    typed(options).unwrap().tracker().unwrap()
}

#[test]
fn without_options_the_flows_are_those_of_the_library() {
    assert_eq!(extractor(""), ExtractorConfig::default());
    assert_eq!(tracker(""), TrackerConfig::default());
}

#[test]
fn a_profile_sets_the_defaults() {
    assert_eq!(extractor("--profile zeek"), ExtractorConfig::zeek());
    assert_eq!(tracker("--profile zeek"), TrackerConfig::zeek());
    assert_eq!(extractor("--profile netflow"), ExtractorConfig::netflow());
    assert_eq!(tracker("--profile netflow"), TrackerConfig::netflow());
    let netflow = extractor("--profile netflow");
    assert_eq!(netflow.tunnels, Tunnels::Inner);
    assert_eq!(netflow.fragments, Fragments::Apart);
    assert_eq!(netflow.icmp, IcmpFlows::Hosts);
    assert!(!tracker("--profile netflow").tcp_ends_flows);
}

#[test]
fn an_option_wins_over_the_profile_and_leaves_the_rest_alone() {
    let zeek = extractor("--profile zeek");
    let changed = extractor("--tunnels outer --profile zeek --key tunnel");
    assert_eq!(
        changed,
        ExtractorConfig {
            tunnels: Tunnels::Outer,
            key_tunnel: true,
            ..zeek
        }
    );
    let timeouts = tracker("--profile netflow --idle-timeout udp=7s").timeouts;
    assert_eq!(timeouts.get(TimeoutClass::Udp), Duration::from_secs(7));
}

#[test]
fn all_hashes_have_the_key_that_is_given() {
    for (options, key) in [
        ("", None),
        ("--hash-key 0", Some(0)),
        ("--hash-key 7", Some(7)),
    ] {
        assert_eq!(tracker(options).hash_key, key);
        assert_eq!(extractor(options).hash_key, key);
    }
}

#[test]
fn what_does_nothing_is_told() {
    for (options, expected) in [
        ("--emit-anomalies -o json:a", "events:PATH"),
        ("--key vlan,tunnel --tunnels outer", "--tunnels outer"),
        (
            "--profile netflow --idle-timeout tcp-opening=1s",
            "tcp-opening",
        ),
        (
            "--profile netflow --idle-timeout tcp-closing=1s",
            "tcp-closing",
        ),
        (
            "--profile netflow --idle-timeout tcp-linger=1s",
            "tcp-linger",
        ),
        ("--profile zeek --idle-timeout sctp/9=1s", "sctp/9"),
    ] {
        let found = typed(options).unwrap().without_effect();
        assert_eq!(found.len(), 1, "{options}: {found:?}");
        assert!(found[0].contains(expected), "{found:?}");
    }
    for options in [
        "",
        "--emit-anomalies -o json:a -o events:b",
        "--key tunnel",
        "--key vlan --tunnels outer",
        "--idle-timeout tcp-opening=1s --idle-timeout sctp/9=1s",
        "--profile netflow --idle-timeout tcp=1s --idle-timeout sctp/9=1s",
        "--profile zeek --idle-timeout tcp/9=1s --idle-timeout tcp-linger=1s",
    ] {
        assert_eq!(typed(options).unwrap().without_effect().len(), 0);
    }
}

#[test]
fn each_word_means_what_it_says() {
    for (word, tunnels) in [
        ("all", Tunnels::All),
        ("zeek", Tunnels::Zeek),
        ("inner", Tunnels::Inner),
        ("outer", Tunnels::Outer),
    ] {
        assert_eq!(extractor(&format!("--tunnels {word}")).tunnels, tunnels);
    }
    for (word, fragments) in [
        ("follow", Fragments::Follow),
        ("apart", Fragments::Apart),
        ("reassemble", Fragments::Reassemble),
    ] {
        let config = extractor(&format!("--fragments {word}"));
        assert_eq!(config.fragments, fragments);
    }
    for (word, icmp) in [
        ("queries", IcmpFlows::Queries),
        ("types", IcmpFlows::Types),
        ("hosts", IcmpFlows::Hosts),
    ] {
        assert_eq!(extractor(&format!("--icmp {word}")).icmp, icmp);
    }
    for (options, vlan, tunnel) in [
        ("--key vlan", true, false),
        ("--key tunnel", false, true),
        ("--key vlan,tunnel", true, true),
        ("--key vlan --key tunnel", true, true),
    ] {
        let config = extractor(options);
        assert_eq!((config.key_vlan, config.key_tunnel), (vlan, tunnel));
    }
    assert!(extractor("--verify-checksums").verify_checksums);
    assert!(tracker("--emit-anomalies").emit_anomalies);
    let active = tracker("--active-timeout 1m30s").active_timeout;
    assert_eq!(active, Some(Duration::from_secs(90)));
}

#[test]
fn a_later_timeout_wins_over_an_earlier_one() {
    let timeouts = tracker("--idle-timeout udp=1s --idle-timeout all=10s --idle-timeout tcp=2h");
    for class in TimeoutClass::ALL {
        let expected = if class == TimeoutClass::TcpOpen {
            7200
        } else {
            10
        };
        assert_eq!(timeouts.timeouts.get(class), Duration::from_secs(expected));
    }
}

#[test]
fn a_port_can_have_a_timeout_of_its_own() {
    let at = |options: &str, port| {
        let timeouts = tracker(options).timeouts;
        timeouts
            .port(L4Proto::Tcp, port)
            .map(|slot| timeouts.at(slot))
    };
    let hours = |hours| Some(Duration::from_hours(hours));
    assert_eq!(at("--idle-timeout tcp/22=2h", 22), hours(2));
    assert_eq!(at("--idle-timeout tcp/22=2h", 23), None);
    let zeek = "--profile zeek --idle-timeout tcp/22=2h";
    assert_eq!((at(zeek, 22), at(zeek, 23)), (hours(2), hours(1)));
    assert_eq!(at("--profile zeek --idle-timeout all=10s", 22), None);
}

#[test]
fn too_many_ports_with_a_timeout_of_their_own_are_an_error() {
    let ports: Vec<_> = (0..100)
        .map(|port| format!("--idle-timeout udp/{port}=1s"))
        .collect();
    let error = typed(&ports.join(" ")).unwrap().tracker().unwrap_err();
    assert!(error.to_string().contains("ports"));
    // The profile has some already.
    let ports: Vec<_> = (0..5)
        .map(|port| format!("--idle-timeout tcp/{port}=1s"))
        .collect();
    let zeek = format!("--profile zeek {}", ports.join(" "));
    let error = typed(&zeek).unwrap().tracker().unwrap_err();
    assert!(error.to_string().contains("of the profile"), "{error}");
}

#[test]
fn a_wrong_value_is_refused_with_what_would_be_right() {
    for (options, expected) in [
        ("--tunnels some", "all, zeek, inner, outer"),
        ("--fragments some", "follow, apart, reassemble"),
        ("--icmp some", "queries, types, hosts"),
        ("--key vlan,mac", "vlan, tunnel"),
        ("--profile some", "flowtrack, zeek, netflow"),
        ("--active-timeout 0s", "0 is too short"),
        ("--active-timeout soon", "'soon' is no duration"),
        ("--idle-timeout quic=1s", "tcp-opening"),
    ] {
        let error = typed(options).unwrap_err();
        assert!(error.contains(expected), "{options}: {error}");
    }
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_help_names_the_default_timeouts() {
    let mut command = Cli::command();
    let read = command.find_subcommand_mut("read").unwrap();
    let help = read.render_long_help().to_string();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let timeouts = Timeouts::default();
    for class in TimeoutClass::ALL {
        let timeout = humantime::format_duration(timeouts.get(class));
        let line = format!("{}={timeout}", class.name());
        assert!(help.contains(&line), "{line} is not in the help");
    }
}

fn bench(line: &str) -> Result<BenchArgs, String> {
    let line = format!("flowtrack bench {line}");
    match Cli::try_parse_from(line.split_whitespace()) {
        Ok(Cli {
            command: Command::Bench(args),
        }) => Ok(args),
        Ok(other) => panic!("{other:?} is not bench"),
        Err(error) => Err(error.to_string()),
    }
}

fn track(line: &str) -> TrackBench {
    match bench(&format!("track {line}")).unwrap().command {
        BenchCommand::Track(args) => args.bench(),
        other => panic!("{other:?} is not track"),
    }
}

#[test]
fn bench_track_replays_captures_or_makes_packets() {
    let files = track("a.pcap b.pcap --repeat 3 --flows 64K");
    let paths = ["a.pcap", "b.pcap"].map(PathBuf::from).to_vec();
    assert_eq!(files.source, Source::Files(paths));
    assert_eq!((files.repeat, files.max_flows), (3, Some(64_000)));

    let synthetic = |line| match track(line).source {
        Source::Synthetic(spec) => spec,
        Source::Files(files) => panic!("{files:?}"),
    };
    assert_eq!(synthetic("--synthetic"), Synthetic::default());
    let spec = synthetic("--synthetic flows=10K,proto=udp --seed 7 --json");
    assert_eq!((spec.flows, spec.seed), (10_000, 7));
}

#[test]
fn bench_shards_takes_the_same_packets_and_two_shards() {
    let shards = |line: &str| match bench(&format!("shards {line}")).unwrap().command {
        BenchCommand::Shards(args) => args.bench(),
        other => panic!("{other:?} is not shards"),
    };
    let files = shards("a.pcap b.pcap --shards 4 --packets 2M");
    assert_eq!((files.shards, files.packets), (4, 2_000_000));
    let paths = ["a.pcap", "b.pcap"].map(PathBuf::from).to_vec();
    assert_eq!(files.source, Source::Files(paths));

    let synthetic = shards("--synthetic dist=zipf --seed 7");
    let zipf = Synthetic {
        dist: Dist::Zipf,
        seed: 7,
        ..Synthetic::default()
    };
    assert_eq!(synthetic.source, Source::Synthetic(zipf));
    assert_eq!(synthetic.shards, 2);
}

#[test]
fn bench_refuses_what_it_cannot_measure() {
    for (line, expected) in [
        ("", "track"),
        ("track", "FILE"),
        ("track a.pcap --synthetic flows=1K", "cannot be used"),
        ("track a.pcap --write b.pcap", "cannot be used"),
        ("track a.pcap --repeat 0", "0 is not in"),
        ("track a.pcap --flows 0", "above 0"),
        ("track --synthetic rate=1", "'rate=1' is no part"),
        ("expiry --flows none", "64K or 1M"),
        ("shards", "FILE"),
        ("shards a.pcap --synthetic", "cannot be used"),
        ("shards a.pcap --shards 1", "1 is not in 2..=256"),
    ] {
        let error = bench(line).unwrap_err();
        assert!(error.contains(expected), "{line}: {error}");
    }
    assert!(bench("limit --json").unwrap().json);
}

#[test]
fn a_share_of_the_flows_is_typed_as_a_fraction_and_follows_the_pressure_only_live() {
    let parse = |line: &str| match Cli::try_parse_from(line.split_whitespace()) {
        Ok(cli) => Ok(match cli.command {
            Command::Run(args) => args.sample.to_string(),
            Command::Read(args) => args.sample.to_string(),
            _ => panic!("{line}"),
        }),
        Err(error) => Err(error.to_string()),
    };
    for (line, sample) in [
        ("flowtrack run eth0", "1/1"),
        ("flowtrack run eth0 --sample 1/8", "1/8"),
        ("flowtrack run eth0 --sample auto", "auto"),
        ("flowtrack read a.pcap", "1/1"),
        ("flowtrack read a.pcap --sample 1/1000", "1/1000"),
    ] {
        assert_eq!(parse(line).as_deref(), Ok(sample), "{line}");
    }
    for line in [
        "flowtrack run eth0 --sample 1/0",
        "flowtrack run eth0 --sample 8",
        "flowtrack run eth0 --sample 1/65537",
        "flowtrack read a.pcap --sample auto",
    ] {
        let error = parse(line).unwrap_err();
        assert!(error.contains("with N from 1 to 65536"), "{line}: {error}");
    }
}
