//! The middle of several measurements.
#![forbid(unsafe_code)]

/// The middle value, the larger of two; 0 of none.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
