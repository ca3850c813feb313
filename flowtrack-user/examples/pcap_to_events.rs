//! A capture file to events, one a line: `cargo run --example pcap_to_events FILE`.

use std::{env, error::Error, fmt::Debug, ops::ControlFlow, path::Path};

use flowtrack::{
    capture::pcap::CaptureFile,
    common::FlowEvent,
    flow::{EventSink, FiveTupleExtractor, FlowDriver},
};

struct Print;

impl<K: Debug> EventSink<K> for Print {
    fn event(&mut self, event: FlowEvent<K>) {
        println!("{event:?}");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("usage: pcap_to_events FILE")?;
    let mut driver = FlowDriver::new(FiveTupleExtractor::default());
    CaptureFile::open(Path::new(&path))?.read(|frame| {
        driver.frame(frame, &mut Print);
        ControlFlow::Continue(())
    })?;
    driver.finish(&mut Print);
    Ok(())
}
