//! Answers `GET /metrics`.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use axum::{
    Router, extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::get,
};
use tokio::{net::TcpListener, sync::watch::Receiver};

use super::text;
use crate::control::Ledger;

/// What Prometheus calls its text format, version 1.0.0 of OpenMetrics.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Listens at `address`.
pub(in crate::control) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot serve metrics on {address}; name another address or port")
    })?;
    log::info!(
        "metrics at http://{}/metrics",
        listener.local_addr().unwrap_or(address)
    );
    Ok(listener)
}

/// Serves the latest ledger until the runtime ends. Whoever asks waits for nobody but the control plane,
/// and capture does not wait for whoever asks.
pub(in crate::control) async fn serve(listener: TcpListener, ledger: Receiver<Arc<Ledger>>) {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .with_state(ledger);
    if let Err(error) = axum::serve(listener, router).await {
        log::error!("metrics are no longer served: {error}");
    }
}

async fn metrics(State(ledger): State<Receiver<Arc<Ledger>>>) -> impl IntoResponse {
    let ledger = Arc::clone(&ledger.borrow());
    ([(CONTENT_TYPE, OPEN_METRICS)], text::encode(&ledger))
}
