//! Flows spread over queues, and real TCP through a mirror port.

use anyhow::Result;
use flowtrack_tests::{
    inject::Injector,
    link::veth,
    netns::NetNs,
    span::{SERVER, Span, Steering},
    traffic::Path,
};

use crate::{
    probe::Probe,
    protocols::{Tcp, build},
};

#[test]
#[ignore = "requires root: cargo xtask test"]
fn two_queues_have_their_own_shards_and_the_ledger_shows_both() -> Result<()> {
    let (sender_ns, probe_ns) = (NetNs::new("sender")?, NetNs::new("probe")?);
    let (sender, tapped) = veth((&sender_ns, "v0"), (&probe_ns, "v1"), 2)?;
    let probe = Probe::start(&tapped, &[])?;
    let injector = Injector::new(&sender)?;
    let connection =
        |port: u16| build(&Tcp::new(&format!("10.1.0.1:{port}"), "10.1.0.2:80").whole());
    for port in 0..20 {
        injector.send(u32::from(port % 2), &connection(40_000 + port))?;
    }
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(20 * 9);
    assert_eq!(outcome.received_by_queue(), [90, 90]);
    assert_eq!(outcome.records.len(), 20);
    assert!(
        outcome
            .records
            .iter()
            .all(|record| record["history"] == "ShADadFf")
    );
    Ok(())
}

#[test]
#[ignore = "requires root: cargo xtask test"]
fn connections_of_the_kernel_are_recorded_whole_through_a_mirror_port() -> Result<()> {
    let span = Span::new(2, Steering::Symmetric)?;
    let probe = Probe::start(&span.tap, &[])?;
    let before = span.mirror.counters()?.tx_packets;
    for address in SERVER {
        let path = Path {
            client: span.client.clone(),
            server: span.server.clone(),
            address,
        };
        path.tcp(10, 2_000, 100_000)?;
        path.udp(5, 3, 100, 300)?;
        path.echo(3, 56)?;
    }
    let mirrored = span.mirror.counters()?.tx_packets - before;
    let outcome = probe.stop()?;
    outcome.assert_all_recorded(usize::try_from(mirrored)?);
    assert!(
        outcome
            .received_by_queue()
            .iter()
            .all(|packets| *packets > 0),
        "{:#}",
        outcome.ledger
    );
    let tcp: Vec<_> = outcome
        .records
        .iter()
        .filter(|record| record["proto"] == "tcp")
        .collect();
    assert_eq!(tcp.len(), 20);
    for record in tcp {
        assert_eq!(record["end_reason"], "fin", "{record:#}");
        assert_eq!(record["conn_state"], "SF");
        assert_eq!(record["initiator"]["tcp"]["stream_bytes"], 2_000);
        assert_eq!(record["responder"]["tcp"]["stream_bytes"], 100_000);
    }
    Ok(())
}
