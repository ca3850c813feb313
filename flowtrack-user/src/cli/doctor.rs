//! Arguments of `flowtrack doctor`.

use clap::Args;

/// `flowtrack doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Interfaces to examine; without any, all that could be tapped.
    #[arg(value_name = "IFACE")]
    pub interfaces: Vec<String>,

    /// Print the findings as JSON.
    #[arg(long)]
    pub json: bool,
}
