//! Events of an interface as they happen, as root: `live INTERFACE [SECONDS]`.
//!
//! Its packets are taken away from the host, so name one that gets a copy of the traffic.

use std::{
    env,
    error::Error,
    fmt::Debug,
    time::{Duration, Instant},
};

use flowtrack::{
    common::FlowEvent,
    control::Tap,
    flow::{EventSink, FiveTupleExtractor, FlowDriver},
};

/// Longest wait for a frame: flows expire by this even if none comes.
const WAIT: Duration = Duration::from_millis(100);

struct Print;

impl<K: Debug> EventSink<K> for Print {
    fn event(&mut self, event: FlowEvent<K>) {
        println!("{event:?}");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let interface = args.next().ok_or("usage: live INTERFACE [SECONDS]")?;
    let seconds = args.next().map_or(Ok(u64::MAX), |text| text.parse())?;
    let started = Instant::now();

    let mut tap = Tap::open(&interface, false)?;
    let mut driver = FlowDriver::new(FiveTupleExtractor::default()).with_emit_anomalies(true);
    while started.elapsed().as_secs() < seconds {
        let silent_until = tap.receive(WAIT, |frame| driver.frame(frame, &mut Print))?;
        if let Some(now) = silent_until {
            driver.advance(now, &mut Print);
        }
    }
    driver.finish(&mut Print);
    eprintln!("{} frames lost", tap.lost()?);
    Ok(())
}
