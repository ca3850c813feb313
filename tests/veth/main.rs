//! Integration tests of flowtrack on veth pairs.
mod program;
