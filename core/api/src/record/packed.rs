//! A record as a journal has it: what its columns are written as that are no numbers and texts.

use serde_json::from_value;
use sluice_packing::columns::{Packed, from_json, mark, read, write};

use super::outcome::Outcome;
use crate::cost::Usage;
use crate::dialect::{Api, Operation};
use crate::error::Kind;

/// Values that are written as their names.
macro_rules! by_name {
    ($($kind:ty: |$value:ident| $name:expr;)*) => {
        $(impl Packed for $kind {
            fn pack(&self, into: &mut Vec<u8>) {
                let $value = self;
                into.extend_from_slice($name.as_bytes());
            }

            fn unpack(from: &[u8]) -> Option<Self> {
                let name = std::str::from_utf8(from).ok()?;
                from_value(name.into()).ok()
            }
        })*
    };
}

by_name! {
    Api: |api| api.name();
    Operation: |operation| operation.name();
    Kind: |kind| kind.name();
}

impl Packed for Outcome {
    fn pack(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(self.name().as_bytes());
    }

    fn unpack(from: &[u8]) -> Option<Self> {
        Self::named(std::str::from_utf8(from).ok()?)
    }
}

/// Values that are written as columns of their own, as a record is.
macro_rules! as_columns {
    ($kind:ident: $($column:ident),*) => {
        impl Packed for $kind {
            fn pack(&self, into: &mut Vec<u8>) {
                let Self { $($column),* } = self;
                $(write(const { mark(stringify!($column)) }, $column, into);)*
            }

            fn unpack(from: &[u8]) -> Option<Self> {
                // As JSON, which earlier ones wrote; no mark of these columns begins like it.
                $(const { assert!(mark(stringify!($column)) as u16 != u16::from_le_bytes(*b"{\"")) };)*
                if from.starts_with(b"{\"") {
                    return from_json(from);
                }
                let mut all = Self::default();
                for (found, value) in read(from)? {
                    $(if found == const { mark(stringify!($column)) } {
                        all.$column = Packed::unpack(value)?;
                    })*
                }
                Some(all)
            }
        }
    };
}

as_columns! {
    Usage: input, output, cache_write_5m, cache_write_1h, cache_read, reasoning, audio_input, image_input, video_input,
    tool_input, audio_cache_read, image_cache_read, audio_output, image_output, web_searches, web_search_previews,
    maps_prompts, file_searches, code_containers, images, estimated, inconsistent, more
}
