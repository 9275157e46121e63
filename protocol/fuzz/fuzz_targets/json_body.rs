//! Bodies in JSON, of every route.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sward_protocol::codec::Encoding;
use sward_protocol_fuzz::read_every_body;

fuzz_target!(|bytes: &[u8]| read_every_body(Encoding::Json, bytes));
