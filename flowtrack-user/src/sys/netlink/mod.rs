//! What only netlink tells of an interface: which XDP program is on it, and what its driver can do with one.
#![forbid(unsafe_code)]

mod attributes;
mod family;
mod link;
mod request;

pub use self::{
    family::{XdpFeatures, xdp_features},
    link::{Link, XdpAttachment, XdpMode, link},
};
