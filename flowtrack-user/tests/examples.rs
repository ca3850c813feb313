//! The examples do what they say, on captures made here.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

#[path = "common/frames.rs"]
mod frames;

use std::{
    env, fs,
    path::PathBuf,
    process::{self, Command},
};

use self::frames::{
    flag::{ACK, FIN, RST, SYN},
    tcp, udp,
};

/// A capture in the classic format, of Ethernet frames a second apart; deleted when dropped.
struct Capture(PathBuf);

impl Capture {
    fn new(name: &str, frames: &[Vec<u8>]) -> Self {
        let words = |words: &[u32]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_ne_bytes()).collect()
        };
        // Magic number, version 2.4, no time zone, and a snap length.
        let mut file = words(&[0xa1b2_c3d4]);
        file.extend([2u16, 4].iter().flat_map(|half| half.to_ne_bytes()));
        file.extend(words(&[0, 0, 65_535, 1]));
        for (frame, second) in frames.iter().zip(1_000_000..) {
            let len = u32::try_from(frame.len()).unwrap();
            file.extend(words(&[second, 0, len, len]));
            file.extend(frame);
        }
        let path = env::temp_dir().join(format!("flowtrack-{name}-{}.pcap", process::id()));
        fs::write(&path, file).unwrap();
        Self(path)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// An example. `cargo test` builds them all first, other than `cargo test --test`.
fn example(name: &str) -> Command {
    // This test is target/PROFILE/deps/examples-HASH.
    let test = env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap().join("examples");
    let path = folder.join(name);
    assert!(path.exists(), "not built: run `cargo build --examples`");
    Command::new(path)
}

/// What an example prints.
fn run(name: &str, capture: &Capture) -> String {
    let output = example(name).arg(&capture.0).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn pcap_to_events_prints_an_event_a_line() {
    let (client, server) = ((1, 40_000), (2, 80));
    let capture = Capture::new(
        "events",
        &[
            tcp(client, server, SYN, 0, 0, 0),
            tcp(server, client, SYN | ACK, 0, 1, 0),
            tcp(client, server, FIN | ACK, 1, 1, 0),
            tcp(server, client, RST, 1, 0, 0),
            udp((3, 53), (4, 53), 10),
        ],
    );
    let printed = run("pcap_to_events", &capture);
    let names: Vec<_> = printed
        .lines()
        .map(|line| line.split_once(' ').unwrap().0)
        .collect();
    let expected = "Started Packet StateChange Packet Established Packet StateChange Packet \
                    Started Packet Ended Ended";
    assert_eq!(names.join(" "), expected, "{printed}");
}

#[test]
fn own_extractor_finds_who_asked_whom() {
    let arp = |operation: u8, sender: u8, target: u8| {
        let mut frame = vec![0xff; 12];
        frame.extend([0x08, 0x06, 0, 1, 0x08, 0x00, 6, 4, 0, operation]);
        for host in [sender, target] {
            frame.extend([2, 0, 0, 0, 0, host, 10, 0, 0, host]);
        }
        frame
    };
    let capture = Capture::new(
        "arp",
        &[
            arp(1, 9, 2),
            arp(2, 2, 9),
            arp(1, 9, 3),
            arp(1, 9, 3),
            udp((3, 53), (4, 53), 10),
            vec![0; 14],
        ],
    );
    let printed = run("own_extractor", &capture);
    let mut lines: Vec<_> = printed.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "10.0.0.9 asked 10.0.0.2: 1 sent, 1 back",
            "10.0.0.9 asked 10.0.0.3: 2 sent, 0 back",
            "2 other frames",
        ]
    );
}

#[test]
fn without_a_file_an_example_says_what_it_takes() {
    for name in ["pcap_to_events", "own_extractor"] {
        let output = example(name).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        assert!(errors.contains(&format!("usage: {name} FILE")), "{errors}");
    }
}
