mod any;
mod clean;
mod defects;
mod synthetic;
mod words;

use super::*;
