//! Settings schemas, read: which keys a table may have, and which values are secrets.

use serde_json::Value;
use sluice_api::plugin::SettingsSchema;
use utoipa::ToSchema;

/// How deep references and alternatives are followed: more than any settings type has, and an end to those in circles.
const DEPTH_MAX: usize = 16;

/// What schemas call text that must not be shown.
const PASSWORD: &str = "password";

/// The schema of a settings type.
#[derive(Clone, Debug)]
pub struct Schema(Value);

impl Schema {
    /// That of this type.
    #[must_use]
    pub fn of<T: ToSchema>() -> Self {
        Self::new(&SettingsSchema::of::<T>())
    }

    /// That of a plugin's settings.
    #[must_use]
    pub fn new(settings: &SettingsSchema) -> Self {
        Self(settings.alone())
    }

    /// The settings as a whole.
    #[must_use]
    pub fn top(&self) -> Place<'_> {
        let mut place = Place { root: &self.0, forms: Vec::new() };
        place.add(&self.0, DEPTH_MAX);
        place
    }

    /// Whether a key must be there.
    #[must_use]
    pub fn requires(&self, key: &str) -> bool {
        let top = self.top();
        let mut required = top.forms.iter().filter_map(|form| form.get("required")?.as_array()).flatten();
        required.any(|name| name.as_str() == Some(key))
    }

    /// What a key is, in one line; empty where nothing says it.
    #[must_use]
    pub fn description(&self, key: &str) -> String {
        let place = self.top().key(key);
        let forms = place.iter().flat_map(|place| &place.forms);
        let text = forms.filter_map(|form| form.get("description")?.as_str()).next().unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The keys of the settings.
    #[must_use]
    pub fn keys(&self) -> Vec<&str> {
        let top = self.top();
        let properties = top.forms.iter().filter_map(|form| form.get("properties")?.as_object());
        properties.flat_map(|properties| properties.keys().map(String::as_str)).collect()
    }
}

/// A value's place in a schema: every form that the value may have there.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    root: &'a Value,
    forms: Vec<&'a Value>,
}

impl<'a> Place<'a> {
    /// Whether a value here is, or may be, a secret.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.forms.iter().any(|form| form.get("format").and_then(Value::as_str) == Some(PASSWORD))
    }

    /// Where the value of a key stands; `None` where no form knows the key.
    #[must_use]
    pub fn key(&self, key: &str) -> Option<Self> {
        self.inner(|form| {
            let named = form.get("properties").and_then(|properties| properties.get(key));
            named.or_else(|| form.get("additionalProperties").filter(|others| others.is_object()))
        })
    }

    /// Where the elements of a list stand.
    #[must_use]
    pub fn element(&self) -> Option<Self> {
        self.inner(|form| form.get("items"))
    }

    fn inner(&self, step: impl Fn(&'a Value) -> Option<&'a Value>) -> Option<Self> {
        let mut place = Self { root: self.root, forms: Vec::new() };
        for form in self.forms.iter().filter_map(|form| step(form)) {
            place.add(form, DEPTH_MAX);
        }
        (!place.forms.is_empty()).then_some(place)
    }

    fn add(&mut self, form: &'a Value, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        self.forms.push(form);
        let referred = form.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
        if let Some(referred) = referred.and_then(|path| self.root.pointer(path)) {
            self.add(referred, depth);
        }
        for key in ["oneOf", "anyOf", "allOf"] {
            for alternative in form.get(key).and_then(Value::as_array).into_iter().flatten() {
                self.add(alternative, depth);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sluice_api::settings::Secret;
    use utoipa::ToSchema;

    use super::Schema;

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Settings {
        plain: String,
        secret: Secret,
        perhaps: Option<Secret>,
        #[schema(inline)]
        inline: Secret,
        several: Vec<Secret>,
        named: BTreeMap<String, Secret>,
        either: Either,
        nested: Option<Nested>,
    }

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Either {
        Nothing,
        Sign { with: Secret, region: String },
    }

    #[derive(ToSchema)]
    #[schema(no_recursion)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Nested {
        deep: Secret,
        name: String,
        more: Option<Box<Nested>>,
    }

    #[test]
    fn a_secret_is_known_wherever_it_stands() {
        let schema = Schema::of::<Settings>();
        for (path, secret) in [
            ("plain", Some(false)),
            ("secret", Some(true)),
            ("perhaps", Some(true)),
            ("inline", Some(true)),
            ("several.[]", Some(true)),
            ("named.any", Some(true)),
            ("either.Sign.with", Some(true)),
            ("either.Sign.region", Some(false)),
            ("nested.deep", Some(true)),
            ("nested.more.more.deep", Some(true)),
            ("nested.more.name", Some(false)),
            ("unknown", None),
            ("nested.unknown", None),
        ] {
            let found = path.split('.').try_fold(schema.top(), |place, key| match key {
                "[]" => place.element(),
                key => place.key(key),
            });
            assert_eq!(found.map(|place| place.is_secret()), secret, "{path}");
        }
    }

    #[test]
    fn the_keys_are_those_of_the_type() {
        let schema = Schema::of::<Nested>();
        assert_eq!(schema.keys(), ["deep", "more", "name"]);
    }
}
