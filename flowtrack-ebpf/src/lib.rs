//! The eBPF programs are in the binary target; the library is empty.
#![no_std]
