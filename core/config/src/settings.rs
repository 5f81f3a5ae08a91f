//! What is known of settings as they are written, for those who know no other than resolved ones.

pub use sluice_settings::globs::{Globs, WrongGlob};
pub use sluice_settings::key::{Group as GroupFields, KeyFields};
pub use sluice_settings::limit::Per;
pub use sluice_settings::server::HttpVersion;
pub use sluice_settings::tables::UnknownModel;
pub use sluice_settings::{plugins, reference};
