//! What the outputs write of records and events that a tracker made.

mod community_id;
mod lines;
mod writing;
mod zeek;

use crate::flow::tests::script;
