//! Which Bedrock model a name stands for, and in which way it is asked.
//!
//! - A name that is Bedrock's already (an id, a profile's id, an ARN) passes as it is.
//! - Anthropic's names, with and without their date, are looked up in [`crate::known`] and get the prefix of the
//!   inference profile that the account's region and its `inference_profile` setting say.
//! - Any other name that begins with `claude-` is taken for a model that is newer than the table: Bedrock names those
//!   `anthropic.{name}`, and every geography has a profile of them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Deserialize;
use utoipa::ToSchema;

use crate::known::{Geography, KNOWN, Known, PREFIXES, geographies};

/// Names by rule that are kept, so that records show them: clients choose the names. A later one is asked for by its
/// rule all the same, but recorded as the client wrote it.
const COINED_MAX: usize = 128;

/// Kinds of ARNs that may stand for any model. Not imported ones: Claude is not among what can be imported.
const OPAQUE: [&str; 2] = [":application-inference-profile/", ":provisioned-model/"];

/// Which inference profile serves a model that is asked for by Anthropic's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum InferenceProfile {
    /// That of the region's geography; where the model has none there, the global one.
    #[default]
    Nearest,
    /// That of the region's geography alone: no request leaves it.
    Geographic,
    /// The global one; where the model has none, that of the region's geography.
    Global,
    /// None: the model in the region itself.
    None,
}

/// In which way a model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// Claude's own body, by InvokeModel.
    Claude,
    /// Bedrock's own, by Converse.
    Converse,
}

/// The names of one account's models.
#[derive(Debug)]
pub(crate) struct Names {
    geographies: &'static [Geography],
    /// Whether the region is one that global profiles span: China and GovCloud are worlds of their own.
    commercial: bool,
    profile: InferenceProfile,
    claude_arns: Vec<String>,
    converse_arns: Vec<String>,
    /// Anthropic's names in the table, with and without their dates.
    ids: HashMap<String, String>,
    coined: Coined,
}

impl Names {
    pub(crate) fn new(
        region: &str,
        profile: InferenceProfile,
        claude_arns: Vec<String>,
        converse_arns: Vec<String>,
    ) -> Self {
        let mut names = Self {
            geographies: geographies(region),
            commercial: !region.starts_with("cn-") && !region.starts_with("us-gov-"),
            profile,
            claude_arns,
            converse_arns,
            ids: HashMap::new(),
            coined: Coined::default(),
        };
        for known in &KNOWN {
            let id = names.with_prefix(known.profiles, known.id);
            if !known.date.is_empty() {
                names.ids.insert(format!("{}-{}", known.name, known.date), id.clone());
            }
            names.ids.entry(known.name.to_owned()).or_insert(id);
        }
        names
    }

    /// The id that one of Anthropic's names stands for; `None` for any other name.
    pub(crate) fn known(&self, asked: &str) -> Option<&str> {
        let id = |name: &str| self.ids.get(name).map(String::as_str);
        let undated = || {
            let (name, _) = dated(asked)?;
            KNOWN.iter().any(|known| known.name == name && known.date.is_empty()).then(|| id(name))?
        };
        let found = id(asked).or_else(|| id(asked.strip_suffix("-latest")?)).or_else(undated);
        found
            .or_else(|| if is_anthropics(asked) { self.coined.get(asked, || self.coin(asked)) } else { None })
    }

    /// The id to ask for.
    pub(crate) fn id<'a>(&'a self, asked: &'a str) -> Cow<'a, str> {
        match self.known(asked) {
            Some(id) => Cow::Borrowed(id),
            None if is_anthropics(asked) => Cow::Owned(self.coin(asked)),
            None => Cow::Borrowed(asked),
        }
    }

    /// In which way a model is asked, where clients asked for another name of it: an ARN that does not say what it
    /// stands for is what it was asked as, unless the configuration says otherwise.
    pub(crate) fn speaks_as(&self, id: &str, asked: &str) -> Option<Speaks> {
        let spoken = self.speaks(id);
        let opaque = OPAQUE.iter().any(|kind| id.contains(kind)) && !self.is_other(id);
        let claude = opaque && asked.contains("claude");
        if claude && spoken.is_some() && id.starts_with("arn:") { Some(Speaks::Claude) } else { spoken }
    }

    /// In which way a model is asked; `None` where the name can be no model of Bedrock's.
    ///
    /// A provider's name has no hyphen, which tells `amazon.nova-pro-v1:0` from names like `gpt-4.1`.
    pub(crate) fn speaks(&self, id: &str) -> Option<Speaks> {
        if id.starts_with("arn:") {
            let claude = id.contains("anthropic.") || self.claude_arns.iter().any(|arn| arn == id);
            return Some(if claude && !self.is_other(id) { Speaks::Claude } else { Speaks::Converse });
        }
        if is_anthropics(id) {
            return Some(Speaks::Claude);
        }
        let (provider, model) = without_profile(id).split_once('.')?;
        let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        if provider.is_empty() || model.is_empty() || !provider.chars().all(plain) {
            return None;
        }
        Some(if provider == "anthropic" { Speaks::Claude } else { Speaks::Converse })
    }

    /// Whether the configuration says of an ARN that it stands for no model of Anthropic's.
    fn is_other(&self, id: &str) -> bool {
        self.converse_arns.iter().any(|arn| arn == id)
    }

    /// Anthropic's names that this account can serve.
    pub(crate) fn listed(&self) -> Vec<String> {
        let reached =
            |known: &&Known| self.profile == InferenceProfile::None || self.of(known.profiles).is_some();
        let mut names: Vec<String> =
            KNOWN.iter().filter(reached).map(|known| known.name.to_owned()).collect();
        names.dedup();
        names
    }

    fn coin(&self, asked: &str) -> String {
        // A new model has the narrowest profile of each geography, and the global one.
        let own = self.geographies.first().copied();
        let profiles: Vec<Geography> = own.into_iter().chain([Geography::Global]).collect();
        self.with_prefix(&profiles, asked)
    }

    fn with_prefix(&self, profiles: &[Geography], model: &str) -> String {
        let prefix = self.of(profiles).map_or("", Geography::prefix);
        format!("{prefix}anthropic.{model}")
    }

    /// The profile to use of those that a model has.
    fn of(&self, profiles: &[Geography]) -> Option<Geography> {
        let own = self.geographies.iter().copied().find(|geography| profiles.contains(geography));
        let global = (self.commercial && profiles.contains(&Geography::Global)).then_some(Geography::Global);
        match self.profile {
            InferenceProfile::Nearest => own.or(global),
            InferenceProfile::Geographic => own,
            InferenceProfile::Global => global.or(own),
            InferenceProfile::None => None,
        }
    }
}

/// The foundation model behind an id, for what takes no profile; `None` where an ARN does not say it.
pub(crate) fn foundation(id: &str) -> Option<&str> {
    if !id.starts_with("arn:") {
        return Some(without_profile(id));
    }
    let (resource, name) = id.rsplit_once('/')?;
    let told = resource.ends_with(":inference-profile") || resource.ends_with(":foundation-model");
    told.then(|| without_profile(name))
}

fn without_profile(id: &str) -> &str {
    PREFIXES.iter().find_map(|prefix| id.strip_prefix(prefix)).unwrap_or(id)
}

fn is_anthropics(name: &str) -> bool {
    name.starts_with("claude-")
}

/// A name and the date at its end.
fn dated(name: &str) -> Option<(&str, &str)> {
    let (name, date) = name.rsplit_once('-')?;
    (date.len() == 8 && date.bytes().all(|digit| digit.is_ascii_digit())).then_some((name, date))
}

/// Names by rule, in a list that only grows: what it has lent stays where it is.
#[derive(Debug, Default)]
struct Coined(OnceLock<Box<Link>>);

#[derive(Debug)]
struct Link {
    asked: String,
    id: String,
    next: Coined,
}

impl Coined {
    fn get(&self, asked: &str, coin: impl Fn() -> String) -> Option<&str> {
        let mut at = self;
        for _ in 0..COINED_MAX {
            let link = at.0.get_or_init(|| {
                Box::new(Link { asked: asked.to_owned(), id: coin(), next: Self::default() })
            });
            if link.asked == asked {
                return Some(&link.id);
            }
            at = &link.next;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{COINED_MAX, InferenceProfile, Names, Speaks, foundation};

    fn names(region: &str, profile: InferenceProfile) -> Names {
        Names::new(
            region,
            profile,
            vec!["arn:aws:bedrock:us-east-1:1:application-inference-profile/a".to_owned()],
            vec!["arn:aws:bedrock:us-east-1:1:application-inference-profile/nova".to_owned()],
        )
    }

    #[test]
    fn anthropics_names_find_their_ids_and_profiles_by_region() {
        for (region, asked, id) in [
            ("us-east-1", "claude-sonnet-4-5", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            ("us-east-1", "claude-sonnet-4-5-20250929", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            ("ca-central-1", "claude-sonnet-4-5", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            ("eu-central-1", "claude-opus-5-5", "eu.anthropic.claude-opus-5-5"),
            ("eu-central-1", "claude-opus-5-5-20260901", "eu.anthropic.claude-opus-5-5"),
            ("ap-northeast-1", "claude-opus-5-5", "jp.anthropic.claude-opus-5-5"),
            ("ap-northeast-1", "claude-sonnet-4", "apac.anthropic.claude-sonnet-4-20250514-v1:0"),
            ("ap-northeast-1", "claude-opus-4-5", "global.anthropic.claude-opus-4-5-20251101-v1:0"),
            ("ap-southeast-2", "claude-opus-4-6", "au.anthropic.claude-opus-4-6-v1"),
            ("ap-southeast-2", "claude-opus-4-6-20260205", "au.anthropic.claude-opus-4-6-v1"),
            ("ap-south-1", "claude-sonnet-4-5", "global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            ("sa-east-1", "claude-haiku-4-5", "global.anthropic.claude-haiku-4-5-20251001-v1:0"),
            ("us-gov-west-1", "claude-sonnet-4-5", "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            ("us-gov-west-1", "claude-haiku-4-5", "anthropic.claude-haiku-4-5-20251001-v1:0"),
            ("eu-west-1", "claude-mythos-5", "anthropic.claude-mythos-5"),
            ("us-west-2", "claude-3-5-sonnet", "us.anthropic.claude-3-5-sonnet-20241022-v2:0"),
            ("us-west-2", "claude-3-5-sonnet-latest", "us.anthropic.claude-3-5-sonnet-20241022-v2:0"),
            ("us-west-2", "claude-3-5-sonnet-20240620", "us.anthropic.claude-3-5-sonnet-20240620-v1:0"),
            // What the table does not know.
            ("us-west-2", "claude-sonnet-7", "us.anthropic.claude-sonnet-7"),
            ("ap-northeast-3", "claude-sonnet-7-20280101", "jp.anthropic.claude-sonnet-7-20280101"),
            ("us-west-2", "claude-sonnet-4-5-20991231", "us.anthropic.claude-sonnet-4-5-20991231"),
            ("me-central-1", "claude-sonnet-7", "global.anthropic.claude-sonnet-7"),
        ] {
            let names = names(region, InferenceProfile::Nearest);
            assert_eq!(names.known(asked), Some(id), "{region} {asked}");
            assert_eq!(names.id(id), id);
        }
    }

    #[test]
    fn the_setting_says_whether_requests_may_leave_the_geography() {
        let of = |profile| names("ap-northeast-1", profile).id("claude-opus-4-5").into_owned();
        let id = "anthropic.claude-opus-4-5-20251101-v1:0";
        assert_eq!(of(InferenceProfile::Nearest), format!("global.{id}"));
        assert_eq!(of(InferenceProfile::Geographic), id);
        assert_eq!(of(InferenceProfile::None), id);
        let of = |profile| names("eu-west-1", profile).id("claude-opus-4-5").into_owned();
        assert_eq!(of(InferenceProfile::Geographic), format!("eu.{id}"));
        assert_eq!(of(InferenceProfile::Global), format!("global.{id}"));
        assert_eq!(of(InferenceProfile::None), id);
    }

    #[test]
    fn bedrocks_own_names_pass_as_they_are() {
        let profile = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-5-5";
        let application = "arn:aws:bedrock:us-east-1:1:application-inference-profile/a";
        let imported = "arn:aws:bedrock:us-east-1:1:imported-model/b";
        for (id, speaks, model) in [
            ("anthropic.claude-opus-5-5", Some(Speaks::Claude), Some("anthropic.claude-opus-5-5")),
            ("us-gov.anthropic.claude-x", Some(Speaks::Claude), Some("anthropic.claude-x")),
            ("amazon.nova-pro-v1:0", Some(Speaks::Converse), Some("amazon.nova-pro-v1:0")),
            ("eu.amazon.nova-pro-v1:0", Some(Speaks::Converse), Some("amazon.nova-pro-v1:0")),
            ("deepseek.v3.2", Some(Speaks::Converse), Some("deepseek.v3.2")),
            (profile, Some(Speaks::Claude), Some("anthropic.claude-opus-5-5")),
            (application, Some(Speaks::Claude), None),
            (imported, Some(Speaks::Converse), None),
            ("gpt-4.1", None, Some("gpt-4.1")),
            ("gpt-5", None, Some("gpt-5")),
            ("m-1", None, Some("m-1")),
            (".x", None, Some(".x")),
        ] {
            let names = names("us-east-1", InferenceProfile::Nearest);
            assert_eq!(names.known(id), None, "{id}");
            assert_eq!((names.id(id).as_ref(), names.speaks(id), foundation(id)), (id, speaks, model));
        }
    }

    #[test]
    fn an_arn_that_says_nothing_is_what_it_was_asked_as() {
        let names = names("us-east-1", InferenceProfile::Nearest);
        let arn = |kind: &str| format!("arn:aws:bedrock:us-east-1:1:{kind}/b");
        for (id, asked, speaks) in [
            (arn("application-inference-profile"), "claude-opus-5-5", Speaks::Claude),
            (arn("provisioned-model"), "anthropic/claude-opus-5-5", Speaks::Claude),
            (arn("application-inference-profile"), "us.anthropic.claude-opus-5-5", Speaks::Claude),
            (arn("application-inference-profile"), "nova", Speaks::Converse),
            (arn("application-inference-profile"), &arn("application-inference-profile"), Speaks::Converse),
            (
                arn("application-inference-profile").replace("/b", "/nova"),
                "claude-opus-5-5",
                Speaks::Converse,
            ),
            (arn("imported-model"), "claude-opus-5-5", Speaks::Converse),
            ("amazon.nova-pro-v1:0".to_owned(), "claude-opus-5-5", Speaks::Converse),
            ("us.anthropic.claude-opus-5-5".to_owned(), "fast", Speaks::Claude),
        ] {
            assert_eq!(names.speaks_as(&id, asked), Some(speaks), "{id} asked as {asked}");
        }
        assert_eq!(names.speaks_as("gpt-5", "claude-opus-5-5"), None);
    }

    #[test]
    fn names_by_rule_are_kept_up_to_a_bound_and_work_beyond_it() {
        let names = names("us-east-1", InferenceProfile::Nearest);
        for number in 0..COINED_MAX + 5 {
            let asked = format!("claude-new-{number}");
            let id = format!("us.anthropic.{asked}");
            assert_eq!(names.known(&asked).is_some(), number < COINED_MAX, "{asked}");
            assert_eq!(names.id(&asked), id);
            assert_eq!(names.speaks(&asked), Some(Speaks::Claude));
        }
        assert_eq!(names.known("claude-new-7"), Some("us.anthropic.claude-new-7"));
    }

    #[test]
    fn what_is_listed_can_be_reached() {
        assert!(
            names("us-east-1", InferenceProfile::Nearest).listed().contains(&"claude-mythos-5".to_owned())
        );
        let european = names("eu-west-1", InferenceProfile::Geographic).listed();
        assert!(!european.contains(&"claude-mythos-5".to_owned()));
        assert_eq!(european.iter().filter(|name| *name == "claude-3-5-sonnet").count(), 1);
        assert!(names("cn-north-1", InferenceProfile::Nearest).listed().is_empty());
    }
}
