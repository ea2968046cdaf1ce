mod any;
mod clean;
mod defects;
mod edges;
mod synthetic;
mod words;

use super::*;
