//! flowtrack's eBPF programs: the capture program, and what tests and benches need: a bare
//! redirect, a traffic generator and a SPAN port.
#![no_std]
#![no_main]

mod bare;
mod capture;
mod generator;
mod packet;
mod span;

/// The verifier proves that no program reaches it; the compiler wants it all the same.
#[cfg(not(test))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
