//! What models cost by a configuration's list, and what a price file would change of it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_api::cost::tariff::listed::{ListedModel, STANDARD, Unit};
use sluice_api::cost::tariff::review::Review;
use sluice_api::cost::{CostModel, ListedAsk};
use sluice_api::settings::Problem;
use sluice_config::{check, read};

use crate::arguments::Files;
use crate::list::{print_json, say, table};
use crate::{FAILED, UNUSABLE};

/// Names that a line of a summary has at most.
const NAMES: usize = 12;

#[derive(Debug, Subcommand)]
pub(crate) enum PricesCommand {
    /// Say whether a price file can be used, what it would change, and which of its rows are doubtful.
    Check {
        /// The price file: of Sluice's own format, LiteLLM's, or genai-prices'.
        file: PathBuf,
        #[command(flatten)]
        files: Files,
        /// Take what is doubtful for a problem.
        #[arg(long)]
        strict: bool,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Show what a model costs: the entry, how it was found, and every rate with where it comes from.
    Show {
        /// The model, as upstream is asked for it; without one, all entries of the list.
        model: Option<String>,
        #[command(flatten)]
        files: Files,
        /// The kind of the provider that serves it: some have prices of their own.
        #[arg(long, default_value = "")]
        provider: String,
        /// The time of the request, like 2027-01-31T00:00:00Z (RFC 3339); default now.
        #[arg(long)]
        at: Option<Timestamp>,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// List every rate that a price file would change, laid over the configuration's list.
    Diff {
        /// The price file.
        file: PathBuf,
        #[command(flatten)]
        files: Files,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
}

impl PricesCommand {
    /// The configuration that it reads.
    pub(crate) fn files(&mut self) -> &mut Files {
        match self {
            Self::Check { files, .. } | Self::Show { files, .. } | Self::Diff { files, .. } => files,
        }
    }
}

/// Runs one of the commands.
pub(crate) fn prices(command: PricesCommand) -> ExitCode {
    match command {
        PricesCommand::Check { file, files, strict, json } => {
            let reviewed = cost_model(&files).and_then(|cost| review(&*cost, &file));
            checked(&file, reviewed, strict, json)
        }
        PricesCommand::Diff { file, files, json } => {
            match cost_model(&files).and_then(|cost| review(&*cost, &file)) {
                Ok(review) => diff(&review, json),
                Err(problems) => refused(&problems),
            }
        }
        PricesCommand::Show { model, files, provider, at, json } => match cost_model(&files) {
            Ok(cost) => {
                let at = at.unwrap_or_else(Timestamp::now);
                show(&*cost, &ListedAsk::new(&provider, model.as_deref().unwrap_or_default(), at), json)
            }
            Err(problems) => refused(&problems),
        },
    }
}

fn refused(problems: &[Problem]) -> ExitCode {
    problems.iter().for_each(|problem| eprintln!("sluice: {problem}"));
    ExitCode::from(UNUSABLE)
}

fn cost_model(files: &Files) -> Result<Arc<dyn CostModel>, Vec<Problem>> {
    check::cost_model(&read::load(&files.config)?)
}

fn review(cost: &dyn CostModel, file: &Path) -> Result<Review, Vec<Problem>> {
    let name = file.display().to_string();
    let wrong = |message: String| vec![Problem::at(name.clone(), "", message)];
    let text =
        std::fs::read_to_string(file).map_err(|error| wrong(format!("the file can't be read: {error}")))?;
    match cost.review(&name, &text, Timestamp::now()) {
        Some(reviewed) => reviewed.map_err(|problem| vec![problem]),
        None => Err(wrong("the cost model of this configuration takes no price files".to_owned())),
    }
}

/// What is doubtful, as problems with their places.
fn doubts(review: &Review) -> Vec<Problem> {
    let each = review.doubts.iter().map(|doubt| {
        let mut problem = Problem::at(review.file.clone(), doubt.model.clone(), doubt.message.clone());
        problem.line = Some(doubt.line);
        problem
    });
    each.collect()
}

fn checked(file: &Path, reviewed: Result<Review, Vec<Problem>>, strict: bool, as_json: bool) -> ExitCode {
    let (review, mut problems) = match reviewed {
        Ok(review) => (Some(review), Vec::new()),
        Err(problems) => (None, problems),
    };
    let mut warnings = review.as_ref().map(doubts).unwrap_or_default();
    if strict {
        problems.append(&mut warnings);
    }
    let fine = problems.is_empty();
    if as_json {
        print_json(&json!({ "ok": fine, "problems": problems, "warnings": warnings, "review": review }));
    } else {
        review.iter().for_each(summary);
        problems.iter().for_each(say);
        warnings.iter().for_each(|warning| say(format_args!("warning: {warning}")));
        let file = file.display();
        match (fine, warnings.len()) {
            (true, 0) => say(format_args!("{file} is fine")),
            (true, 1) => say(format_args!("{file} can be used; 1 warning")),
            (true, many) => say(format_args!("{file} can be used; {many} warnings")),
            (false, _) => say(format_args!("{file} can't be used")),
        }
    }
    if fine { ExitCode::SUCCESS } else { ExitCode::from(UNUSABLE) }
}

/// What a file has and would change, in a few lines.
fn summary(review: &Review) {
    let Review { models, unchanged, .. } = review;
    say(format_args!("{}: prices of the format {}, {}", review.file, review.format, review.hash));
    let of_models = |added: bool| {
        let changes = review.changes.iter().filter(|change| change.added == added);
        let names: std::collections::BTreeSet<&str> = changes.map(|change| change.model.as_str()).collect();
        names
    };
    let (added, changed) = (of_models(true), of_models(false));
    let counted = if *models == 1 { "1 model".to_owned() } else { format!("{models} models") };
    let (new, other) = (added.len(), changed.len());
    say(format_args!(
        "  {counted} with prices, {unchanged} unchanged; names that are new: {new}, with other prices: {other}"
    ));
    let aliases: Vec<String> =
        review.aliases.iter().map(|alias| format!("{} for {}", alias.name, alias.model)).collect();
    names("new", added.iter().copied());
    names("changed", changed.iter().copied());
    names("aliases", aliases.iter().map(String::as_str));
    names("skipped, as no price of theirs is understood", review.skipped.iter().map(String::as_str));
    names("without a price for tokens", review.without_token_price.iter().map(String::as_str));
    names("keys that are not known", review.unknown_keys.iter().map(String::as_str));
}

/// A line of names, the first of them where there are many.
fn names<'a>(what: &str, names: impl ExactSizeIterator<Item = &'a str>) {
    let count = names.len();
    let told: Vec<&str> = names.take(NAMES).collect();
    match count {
        0 => {}
        _ if count > told.len() => say(format_args!(
            "  {what} ({count}): {} and {} more, which --json names",
            told.join(", "),
            count - told.len()
        )),
        _ => say(format_args!("  {what} ({count}): {}", told.join(", "))),
    }
}

fn diff(review: &Review, as_json: bool) -> ExitCode {
    if as_json {
        print_json(&json!({ "file": review.file, "hash": review.hash, "changes": review.changes }));
        return ExitCode::SUCCESS;
    }
    if review.changes.is_empty() {
        say(format_args!("{} changes nothing.", review.file));
        return ExitCode::SUCCESS;
    }
    let rows = review.changes.iter().flat_map(|change| {
        change.rates.iter().map(|rate| {
            let price = |price: &Option<String>| price.clone().unwrap_or_else(|| "-".to_owned());
            let from = change.effective_from.map(|from| from.to_string()).unwrap_or_default();
            let tier = place(&rate.tier, rate.above, rate.hours.as_deref());
            vec![change.model.clone(), from, rate.class.clone(), tier, price(&rate.was), price(&rate.now)]
        })
    });
    say("US dollars for a million tokens, or for one of what is billed by the call.");
    table(&["model", "from", "class", "for", "was", "now"], rows);
    ExitCode::SUCCESS
}

fn show(cost: &dyn CostModel, asked: &ListedAsk<'_>, as_json: bool) -> ExitCode {
    if asked.model.is_empty() {
        all(cost, asked, as_json);
        return ExitCode::SUCCESS;
    }
    let Some(listed) = cost.listed(asked) else {
        eprintln!("sluice: the list has no price for `{}`: what it costs is not known", asked.model);
        return ExitCode::from(FAILED);
    };
    if as_json {
        print_json(&json!(listed));
        return ExitCode::SUCCESS;
    }
    say(format_args!("{}: {}, by the entry {} ({})", asked.model, listed.list, listed.entry, listed.rule));
    say(format_args!("  {}", listed.hash));
    for (what, time) in [("since", listed.effective_from), ("until", listed.effective_until)] {
        time.iter().for_each(|time| say(format_args!("  {what} {time}")));
    }
    let most = [("prompt", listed.max_input_tokens), ("answer", listed.max_output_tokens)];
    for (what, tokens) in most {
        tokens.iter().for_each(|tokens| say(format_args!("  at most {tokens} tokens of {what}")));
    }
    for (geo, times) in &listed.multipliers {
        say(format_args!("  tokens that are processed in `{geo}` cost {times} times as much"));
    }
    let rows = listed.rates.iter().map(|rate| {
        let unit = if rate.unit == Unit::MillionTokens { "million tokens" } else { "each" };
        let tier = place(&rate.tier, rate.above, rate.hours.as_deref());
        vec![rate.class.clone(), tier, rate.price.clone(), unit.to_owned(), rate.source.told()]
    });
    table(&["class", "for", "US dollars", "unit", "source"], rows);
    ExitCode::SUCCESS
}

/// All entries of the list, each in a line, or whole for programs.
fn all(cost: &dyn CostModel, asked: &ListedAsk<'_>, as_json: bool) {
    let mut names = cost.entries();
    names.sort_unstable();
    let listed = |name: &String| {
        let mut asked = *asked;
        asked.model = name;
        cost.listed(&asked).map(|listed| (name.clone(), listed))
    };
    if as_json {
        let data: Vec<Value> = names.iter().filter_map(listed).map(|(_, listed)| json!(listed)).collect();
        print_json(&json!({ "data": data, "next_cursor": null }));
        return;
    }
    let usual = |listed: &ListedModel, class: &str| {
        let rate = listed.rates.iter().find(|rate| rate.class == class && rate.tier == STANDARD);
        rate.map(|rate| rate.price.clone()).unwrap_or_default()
    };
    let rows = names.iter().filter_map(listed).map(|(name, listed)| {
        let [input, output, read] = ["input", "output", "cache_read"].map(|class| usual(&listed, class));
        vec![name, input, output, read, listed.list]
    });
    say("US dollars for a million tokens, in the standard tier and for short prompts.");
    table(&["entry", "input", "output", "cache read", "list"], rows);
}

/// For what a rate is, in a few words.
fn place(tier: &str, above: Option<u64>, hours: Option<&str>) -> String {
    let above = above.map(|above| format!(", above {above} tokens")).unwrap_or_default();
    let hours = hours.map(|hours| format!(", {hours}")).unwrap_or_default();
    format!("{tier}{above}{hours}")
}
