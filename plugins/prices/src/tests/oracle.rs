//! Usage priced by another program in another language, from the same files: both come to the same to the last digit.

use std::io::Write as _;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use sluice_api::cost::{PriceAsk, Usage};

use super::{DAY, time};
use crate::list::List;

/// How many usages of the built-in list are priced by both, and of each way to lay files over it.
const USAGES: usize = 10_000;
const LAID_OVER: usize = 4_000;

/// The files, one of each format.
const OWN: &str = "laid-over/own.toml";
const COMMUNITY: &str = "laid-over/litellm.json";
const GENAI: &str = "laid-over/genai-prices.json";

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
fn line(list: &List, (model, time): (&str, Timestamp), dice: &mut Dice) -> String {
    let mut each = || dice.tokens();
    let mut tokens: [u64; 11] = std::array::from_fn(|_| each());
    if dice.below(5) == 0 {
        // A prompt just at a threshold, or just above it.
        let longest = [100_000, 200_000, 272_000][usize::try_from(dice.below(3)).unwrap()];
        tokens[..8].fill(0);
        tokens[usize::try_from(dice.below(2) * 6).unwrap()] = longest + dice.below(2);
    }
    let [input, audio, image, tool, short, long, read, heard, output, reasoning, spoken] = tokens;
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
    let places = [None, Some("us"), Some("eu"), Some("regional"), Some("global")];
    let geo = places[usize::try_from(dice.below(5)).unwrap()];
    let (provider, name) = match model.split_once('/') {
        Some(("gemini", name)) => ("gemini", name),
        Some(("azure", name)) => ("azure-openai", name),
        _ => ("openai", model),
    };
    let mut ask = PriceAsk::new(provider, name, &usage, time);
    (ask.tier, ask.geo) = (tier, geo);
    let cost = list.price(&ask).map(|priced| priced.cost.to_string());
    serde_json::json!({
        "model": model, "time": time.to_string(), "tier": tier, "geo": geo, "cost": cost,
        "used": { "input": input, "audio_input": audio, "image_input": image, "tool_input": tool,
            "cache_write_5m": short, "cache_write_1h": long, "cache_read": read, "audio_cache_read": heard,
            "output": output, "reasoning": reasoning, "audio_output": spoken, "web_search": searches },
    })
    .to_string()
}

/// What the other program says of these lines, by the built-in list with these files over it.
fn said(files: &[&str], lines: String) -> String {
    let Some(python) = std::env::var_os("SLUICE_TEST_PYTHON") else {
        panic!("SLUICE_TEST_PYTHON is not set: .ci/run makes the environment");
    };
    let paths =
        files.iter().map(|file| format!("{}/{file}", concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests")));
    let mut oracle = Command::new(python)
        .args(["-c", ORACLE, concat!(env!("CARGO_MANIFEST_DIR"), "/src/built-in.toml")])
        .args(paths)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It answers while it is told: what it has to say must be taken meanwhile.
    let mut told = oracle.stdin.take().unwrap();
    let telling = std::thread::spawn(move || told.write_all(lines.as_bytes()));
    let output = oracle.wait_with_output().unwrap();
    telling.join().unwrap().unwrap();
    format!("{}{}", String::from_utf8(output.stdout).unwrap().trim(), output.status.code().unwrap_or(-1))
}

#[test]
fn any_usage_of_any_model_costs_what_another_language_makes_of_the_same_file() {
    let list = List::built_in().unwrap();
    let models: Vec<&str> = list.names().collect();
    let mut dice = Dice(0x5EED_1E57_0DD5_ACE5);
    let lines: String =
        (0..USAGES).map(|at| line(&list, (models[at % models.len()], time(DAY)), &mut dice) + "\n").collect();
    assert_eq!(said(&[], lines), format!("{USAGES} looked at0"));
}

/// Some second of the days around those on which prices of the files change.
fn moment(dice: &mut Dice) -> Timestamp {
    let days =
        ["2026-09-01", "2026-11-27", "2026-11-28", "2026-11-30", "2026-12-01", "2027-01-01", "2027-03-01"];
    let day = time(&format!("{}T00:00:00Z", days[usize::try_from(dice.below(7)).unwrap()]));
    // Often just at the full minute, where hours begin and end, and just before it.
    let second = match dice.below(3) {
        0 => dice.below(86_400),
        near => dice.below(2 * 24 * 4) * 450 + 900 * near - near % 2,
    };
    day + jiff::SignedDuration::from_secs(i64::try_from(second).unwrap())
}

#[test]
fn so_it_does_with_files_of_every_format_laid_over_it_at_any_time() {
    let text = |file: &str| {
        std::fs::read_to_string(format!("{}/src/tests/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    };
    let mut dice = Dice(0x0D1C_E0F0_4E51_1A1D);
    for files in [&[OWN][..], &[COMMUNITY], &[GENAI], &[COMMUNITY, GENAI, OWN], &[OWN, GENAI, COMMUNITY]] {
        let before = List::built_in().unwrap();
        let list = files.iter().fold(before.clone(), |list, file| list.overlaid(file, &text(file)).unwrap());
        // All that the files name, and of the rest what lies beside it.
        let names = files.iter().flat_map(|file| {
            List::default()
                .overlaid(file, &text(file))
                .unwrap()
                .names()
                .map(ToOwned::to_owned)
                .collect::<Vec<_>>()
        });
        let models: Vec<String> =
            names.chain(["gpt-4.1", "gemini/gemini-3.7-flash"].map(ToOwned::to_owned)).collect();
        let lines: Vec<String> = (0..LAID_OVER)
            .map(|at| {
                let time = moment(&mut dice);
                line(&list, (&models[at % models.len()], time), &mut dice)
            })
            .collect();
        let priced = lines.iter().filter(|line| !line.contains("\"cost\":null")).count();
        assert!(priced * 2 > LAID_OVER, "{files:?}: {priced} have a price");
        assert_eq!(said(files, lines.join("\n")), format!("{LAID_OVER} looked at0"), "{files:?}");
    }
}
