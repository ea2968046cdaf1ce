//! The engine through its public interface.

mod aligned;
mod diff_image;
mod formats;
mod hostile;
mod kinds;
mod metric;
mod oracle;
mod picture;
mod properties;
mod reference;
mod regions;
mod sizes;
