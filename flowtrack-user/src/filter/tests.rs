//! What is understood, what is said of the rest, and what becomes of frames.

mod language;
mod programs;
