//! Values in few bytes, as journals and stores keep them: columns that may come and go, and texts of one shape.

pub mod columns;
pub mod shape;
