//! The query in each dialect, as people read it.
