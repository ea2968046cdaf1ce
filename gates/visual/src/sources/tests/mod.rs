mod lists;
mod names;
mod server;
