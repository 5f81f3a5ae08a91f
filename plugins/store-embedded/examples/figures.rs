//! What a million records cost: time, memory and disk to write them, and how long questions about them take.
//!
//! `cargo run --release -p sluice-store-embedded --example figures`

#![expect(clippy::unwrap_used, reason = "it shows figures, and does nothing where it can't")]

use std::path::Path;
use std::sync::Arc;

use sluice_api::cost::{CostModel, Unpriced};
use sluice_api::plugin::testing::with_section;
use sluice_api::plugin::{BuildCx, Plugin, inventory};
use sluice_api::store::Store;
use sluice_conformance::{ask_much, write_many};
use sluice_store_embedded as _;

#[tokio::main]
async fn main() {
    let number: u32 = std::env::args().nth(1).map_or(1_000_000, |number| number.parse().unwrap());
    let folder = std::env::temp_dir().join(format!("sluice-figures-{}", std::process::id()));
    let store = store(&folder);
    store.open().await.unwrap();
    let taken = write_many(store.records(), number.into()).await;
    println!(
        "{number} records, {:.2} µs each, with the wait for the disk",
        taken.as_secs_f64() * 1e6 / f64::from(number)
    );
    println!("{} KB of memory at most", peak());
    println!("{} bytes of disk each", size(&folder) / u64::from(number));
    let begun = std::time::Instant::now();
    drop(store);
    let store = self::store(&folder);
    store.open().await.unwrap();
    println!("{:?} to close and open it", begun.elapsed());
    println!("{:<45}{:>12}{:>12}", "", "p50", "p99");
    for (name, middle, worst) in ask_much(store.records()).await {
        println!("{name:<45}{middle:>12.2?}{worst:>12.2?}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The store of a folder, as the engine builds it.
fn store(folder: &Path) -> Arc<dyn Store> {
    let plugin = inventory::iter::<Plugin<dyn Store>>().find(|plugin| plugin.kind == "embedded").unwrap();
    let prices: Arc<dyn CostModel> = Arc::new(Unpriced);
    let settings = format!("path = \"{}\"", folder.display());
    with_section(&settings, |section| (plugin.build)(&BuildCx::new(&prices), section)).unwrap()
}

fn size(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

/// The most memory that this process had, in kilobytes; 0 where the system does not tell.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
