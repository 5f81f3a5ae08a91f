//! A provider that answers by itself.
