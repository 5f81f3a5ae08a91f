//! Pure functions over bytes.
