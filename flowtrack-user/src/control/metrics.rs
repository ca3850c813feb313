//! The ledger as metrics for Prometheus, over HTTP.

mod server;
mod text;

pub(super) use self::server::{listen, serve};
