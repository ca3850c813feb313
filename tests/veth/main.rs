//! Integration tests of flowtrack on veth pairs.
