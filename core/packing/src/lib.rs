//! Values in few bytes, as journals and stores keep them: columns that may come and go, texts of one shape, and addresses.

pub mod address;
pub mod columns;
pub mod shape;
