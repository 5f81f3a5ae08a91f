//! How an implementation registers itself, and how it is built from its settings.

mod guarded;
pub mod testing;

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::cost::CostModel;
use crate::limiter::Limiter;
use crate::provider::Provider;
use crate::scheduler::Scheduler;
use crate::settings::{Problem, Section};
use crate::store::Store;

pub use guarded::guarded;

// Of other crates: what the traits are written in, and what `register!` needs.
pub use async_trait::async_trait;
pub use bytes::Bytes;
pub use inventory;
pub use jiff::Timestamp;
pub use sluice_pages as pages;
pub use utoipa;

/// The crate and version that a plugin comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Name of the crate.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.package, self.version)
    }
}

/// Builds a plugin from its section of the configuration, with what it is given beside; tells every mistake.
pub type Build<T> = fn(&BuildCx<'_>, &Section<'_>) -> Result<Arc<T>, Vec<Problem>>;

/// An implementation of one of the traits, as `sluice plugins` lists it.
pub struct Plugin<T: ?Sized + 'static> {
    /// The name that configuration selects it by.
    pub kind: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// Where it comes from.
    pub origin: Origin,
    /// The schema of its settings, by name and by what it refers to.
    pub schema: fn() -> SettingsSchema,
    /// Builds it from its section of the configuration; reports every mistake.
    pub build: Build<T>,
}

/// What a plugin may keep that is built: the other plugins of the same configuration. It is built anew with each reload.
///
/// There is no clock in it: whatever decides by time is passed it with each call.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BuildCx<'a> {
    /// Prices usage; for a store, and for a cost model itself, one that knows no price.
    pub cost: &'a Arc<dyn CostModel>,
}

impl<'a> BuildCx<'a> {
    /// One with this cost model.
    #[must_use]
    pub const fn new(cost: &'a Arc<dyn CostModel>) -> Self {
        Self { cost }
    }
}

impl<T: ?Sized> fmt::Debug for Plugin<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("kind", &self.kind)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// The schema of a settings type, with the schemas that it refers to by name.
#[derive(Clone)]
#[non_exhaustive]
pub struct SettingsSchema {
    /// The type's name, unique in the OpenAPI document.
    pub name: String,
    /// Its own schema.
    pub schema: RefOr<Schema>,
    /// What it refers to.
    pub referred: Vec<(String, RefOr<Schema>)>,
}

impl SettingsSchema {
    /// The schema of a type.
    #[must_use]
    pub fn of<T: ToSchema>() -> Self {
        let mut referred = Vec::new();
        T::schemas(&mut referred);
        Self { name: T::name().into_owned(), schema: T::schema(), referred }
    }

    /// It as a JSON Schema that stands alone, with what it refers to inside.
    #[must_use]
    pub fn alone(&self) -> Value {
        let mut schema = serde_json::to_value(&self.schema).unwrap_or_default();
        let referred: Map<String, Value> = self
            .referred
            .iter()
            .map(|(name, schema)| (name.clone(), serde_json::to_value(schema).unwrap_or_default()))
            .collect();
        if let Some(object) = schema.as_object_mut()
            && !referred.is_empty()
        {
            object.insert("$defs".to_owned(), referred.into());
        }
        refer_inside(&mut schema);
        schema
    }
}

/// Where utoipa's references point, and where they point in a schema that stands alone.
const REFERENCES: (&str, &str) = ("#/components/schemas/", "#/$defs/");

/// Turns references into the OpenAPI document into references into the schema itself.
fn refer_inside(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && let Some(name) = reference.strip_prefix(REFERENCES.0)
            {
                *reference = format!("{}{name}", REFERENCES.1);
            }
            members.values_mut().for_each(refer_inside);
        }
        Value::Array(elements) => elements.iter_mut().for_each(refer_inside),
        _ => {}
    }
}

/// Settings of a plugin that has none: an empty section, in which any key is a mistake.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

inventory::collect!(Plugin<dyn Provider>);
inventory::collect!(Plugin<dyn Scheduler>);
inventory::collect!(Plugin<dyn Limiter>);
inventory::collect!(Plugin<dyn CostModel>);
inventory::collect!(Plugin<dyn Store>);
inventory::collect!(Plugin<dyn pages::Pages>);

/// Registers an implementation:
///
/// ```ignore
/// sluice_api::register! {
///     dyn Provider: "acme",
///     summary: "Acme's chat API",
///     settings: AcmeSettings,
///     build: |_, section| Ok(Arc::new(Acme::new(section.name, section.read()?))),
/// }
/// ```
///
/// `build` is a function of the context and the section: [`BuildCx`] has what else is built.
///
/// The crate must be named by the binary (`use acme_provider as _;`), or it is not linked.
#[macro_export]
macro_rules! register {
    (
        dyn $trait:path : $kind:literal,
        summary: $summary:literal,
        settings: $settings:ty,
        build: $build:expr $(,)?
    ) => {
        $crate::plugin::inventory::submit! {
            $crate::plugin::Plugin::<dyn $trait> {
                kind: $kind,
                summary: $summary,
                origin: $crate::plugin::Origin {
                    package: env!("CARGO_PKG_NAME"),
                    version: env!("CARGO_PKG_VERSION"),
                },
                schema: $crate::plugin::SettingsSchema::of::<$settings>,
                build: $build,
            }
        }
    };
}
