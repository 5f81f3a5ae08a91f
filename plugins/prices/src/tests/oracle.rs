//! Usage priced by another program in another language, from the same file: both come to the same to the last digit.

use std::io::Write as _;
use std::process::{Command, Stdio};

use sluice_api::cost::{PriceAsk, Usage};

use super::{DAY, time};
use crate::list::List;

/// How many usages are priced by both.
const USAGES: usize = 10_000;

/// The other program.
const ORACLE: &str = include_str!("oracle.py");

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// Often none, often few, sometimes many; and now and then just at a threshold.
    fn tokens(&mut self) -> u64 {
        match self.below(8) {
            0..3 => 0,
            3..5 => self.below(1_000),
            5 => self.below(90_000),
            6 => [100_000, 200_000, 272_000][usize::try_from(self.below(3)).unwrap()] + self.below(2),
            _ => self.below(400_000),
        }
    }
}

/// A line for the other program: what was used by class, disjoint, and what it costs here.
fn line(list: &List, model: &str, dice: &mut Dice) -> String {
    let mut each = || dice.tokens();
    let [input, audio, image, tool, short, long, read, heard, output, reasoning, spoken] =
        std::array::from_fn(|_| each());
    let sparse = dice.below(2) == 0;
    let some = |count: u64| if sparse { 0 } else { count };
    let (audio, image, tool, heard, spoken) =
        (some(audio), some(image), some(tool), some(heard), some(spoken));
    let searches = [0, 0, 1, 3][usize::try_from(dice.below(4)).unwrap()];
    let mut usage = Usage::new(input + audio + image + tool, output + reasoning + spoken);
    (usage.audio_input, usage.image_input, usage.tool_input) = (audio, image, tool);
    (usage.cache_write_5m, usage.cache_write_1h) = (short, long);
    (usage.cache_read, usage.audio_cache_read) = (read + heard, heard);
    (usage.reasoning, usage.audio_output, usage.web_searches) = (reasoning, spoken, searches);
    let tiers = [None, Some("batch"), Some("flex"), Some("priority"), Some("fast"), Some("default")];
    let tier = tiers[usize::try_from(dice.below(6)).unwrap()];
    let geo = [None, Some("us"), Some("eu"), Some("global")][usize::try_from(dice.below(4)).unwrap()];
    let (provider, name) = match model.split_once('/') {
        Some(("gemini", name)) => ("gemini", name),
        Some(("azure", name)) => ("azure-openai", name),
        _ => ("openai", model),
    };
    let mut ask = PriceAsk::new(provider, name, &usage, time(DAY));
    (ask.tier, ask.geo) = (tier, geo);
    let cost = list.price(&ask).map(|priced| priced.cost.to_string());
    serde_json::json!({
        "model": model, "day": DAY.get(..10), "tier": tier, "geo": geo, "cost": cost,
        "used": { "input": input, "audio_input": audio, "image_input": image, "tool_input": tool,
            "cache_write_5m": short, "cache_write_1h": long, "cache_read": read, "audio_cache_read": heard,
            "output": output, "reasoning": reasoning, "audio_output": spoken, "web_search": searches },
    })
    .to_string()
}

#[test]
fn any_usage_of_any_model_costs_what_another_language_makes_of_the_same_file() {
    let Some(python) = std::env::var_os("SLUICE_TEST_PYTHON") else {
        panic!("SLUICE_TEST_PYTHON is not set: .ci/run makes the environment");
    };
    let list = List::built_in().unwrap();
    let models: Vec<&str> = list.names().collect();
    let mut dice = Dice(0x5EED_1E57_0DD5_ACE5);
    let lines: String =
        (0..USAGES).map(|at| line(&list, models[at % models.len()], &mut dice) + "\n").collect();
    let mut oracle = Command::new(python)
        .args(["-c", ORACLE, concat!(env!("CARGO_MANIFEST_DIR"), "/src/built-in.toml")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It answers while it is told: what it has to say must be taken meanwhile.
    let mut told = oracle.stdin.take().unwrap();
    let telling = std::thread::spawn(move || told.write_all(lines.as_bytes()));
    let output = oracle.wait_with_output().unwrap();
    telling.join().unwrap().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.trim(), format!("{USAGES} looked at"), "{}", output.status);
}
