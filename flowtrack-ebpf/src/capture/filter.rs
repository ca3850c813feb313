//! Whether the filter wants a packet.

use aya_ebpf::programs::XdpContext;
use flowtrack_common::abi::CaptureSettings;

/// Whether the filter that `settings` name wants the packet.
pub(super) fn accepts(_ctx: &XdpContext, _settings: &CaptureSettings) -> bool {
    true
}
