//! Filters as a whole.
