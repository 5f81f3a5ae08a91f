//! What a request costs in instructions, by stage: Sluice under callgrind, which counts alike on any machine.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Result;
use crate::arguments::Options;
use crate::callgrind::Profile;
use crate::certificate::Certificate;
use crate::ground::Ground;
use crate::kind::Kind;
use crate::load::Clients;
use crate::message::Exchange;
use crate::rounds::start_upstream;
use crate::scratch::Scratch;
use crate::site::Site;
use crate::sluice::{self, Sluice};
use crate::way::Way;

/// What is counted.
const COUNTED: [(&str, Kind, Way); 9] = [
    ("2 KB, 2 KB JSON answer", Kind::Small, Way::PLAIN),
    ("the same with five limits on its key, group and account", Kind::Small, Way::LIMITED),
    ("the same, upstream by TLS", Kind::Small, Way::TLS),
    ("100 KB, 2 KB JSON answer", Kind::Large, Way::PLAIN),
    ("512 events at once", Kind::Burst, Way::PLAIN),
    ("Chat, 512 events at once, its usage chunk hidden", Kind::Chat, Way::OPENAI),
    ("2 KB of Chat, 2 KB JSON answer of Anthropic's", Kind::Turned, Way::TURNED),
    ("Chat, 512 events of Anthropic's at once", Kind::TurnedBurst, Way::TURNED),
    ("Anthropic's, 512 events of Chat at once", Kind::TurnedChat, Way::TURNED_CHAT),
];

/// The stages of a request, each the function that is all of it: those within another stand behind it, further in.
const STAGES: [(&str, &str); 15] = [
    ("head read", "<hyper::proto::h1::role::Server as hyper::proto::h1::Http1Transaction>::parse"),
    ("the line, up to the answer's head", "sluice_line::line::serve::{{closure}}"),
    ("  authenticate", "sluice_line::inbound::authenticate"),
    ("  look at the body", "sluice_line::ask::Ask::read"),
    ("  route, admit, attempt", "sluice_line::line::relayed::{{closure}}"),
    ("    choose and admit", "sluice_line::admit::next::{{closure}}"),
    ("    prepare", "sluice_line::attempt::Sending::prepare::{{closure}}"),
    ("    exchange with upstream", "sluice_upstream::direct::Direct::exchange::{{closure}}"),
    ("    translate the request", "sluice_translate::translation::Translation::of"),
    ("translate the answer, whole", "sluice_translate::translation::Translation::whole"),
    ("translate the answer, streamed", "sluice_translate::stream::Stream::feed"),
    ("meter the answer", "sluice_line::source::Source::take"),
    ("settle", "sluice_line::settle::end::<impl sluice_line::settle::Settlement>::settle"),
    ("log, measures", "sluice_ledger::records::Records::collect"),
    ("store", "sluice_store_embedded::records::append::Writer::write"),
];

/// Connections at once.
const CLIENTS: usize = 16;

/// How long requests are sent before they are counted, and while they are: callgrind takes fifty times as long.
const BEFORE: Duration = Duration::from_secs(1);
const COUNTING: Duration = Duration::from_secs(3);

/// How long what follows a request has to be done.
const BEHIND: Duration = Duration::from_millis(1500);

/// Counts, and prints what was counted.
pub(crate) async fn count(options: &Options) -> Result<()> {
    let scratch = Scratch::new()?;
    let certificate = Certificate::make(&scratch)?;
    let (_upstream, upstream) = start_upstream(&certificate)?;
    let ground = Ground { scratch: &scratch, certificate: &certificate, upstream };
    for (number, (title, kind, way)) in COUNTED.into_iter().enumerate() {
        let file = scratch.path(&format!("callgrind-{number}"));
        let sluice = sluice::find(options.sluice.clone())?.counted(&file);
        let (profile, requests) = profile(&ground, &sluice, (kind, way), &file).await?;
        println!("{title}: {} instructions a request", profile.total / requests);
        for (stage, function) in STAGES {
            println!("  {stage}: {}", profile.of(function) / requests);
        }
    }
    Ok(())
}

/// What requests of a kind cost on a way, and how many they were.
async fn profile(
    ground: &Ground<'_>,
    sluice: &Sluice,
    (kind, way): (Kind, Way),
    file: &Path,
) -> Result<(Profile, u64)> {
    let (address, process) = sluice.start(ground, way).await?;
    let exchange = Exchange::through_sluice(kind, address)?;
    let mut clients = Clients::connect(&Site { address, tls: None }, CLIENTS).await?;
    clients.run(&exchange, BEFORE, Duration::ZERO).await?;
    tokio::time::sleep(BEHIND).await;
    control("--zero", process.id())?;
    let done = clients.run(&exchange, COUNTING, Duration::ZERO).await?;
    tokio::time::sleep(BEHIND).await;
    control("--dump", process.id())?;
    let mut dumped = file.to_owned().into_os_string();
    dumped.push(".1");
    Ok((Profile::read(&std::fs::read_to_string(dumped)?), done.answers.max(1)))
}

/// Tells callgrind to do something now.
fn control(what: &str, process: u32) -> Result<()> {
    let told = Command::new("callgrind_control").arg(what).arg(process.to_string()).output();
    let told = told.map_err(|error| format!("can't run callgrind_control, which is valgrind's: {error}"))?;
    if told.status.success() {
        return Ok(());
    }
    Err(format!("callgrind_control {what}: {}", String::from_utf8_lossy(&told.stderr)).into())
}
