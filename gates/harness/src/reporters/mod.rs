//! Reporters: pure functions of one report.
