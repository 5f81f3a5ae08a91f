//! An answer until it may be handed on: its first event, or all of it where its client is told none of it before.

use std::collections::VecDeque;
use std::sync::Arc;

use http::HeaderMap;
use http_body::Body as _;
use sluice_api::dialect::Form;
use sluice_api::error::{Error, Kind};
use sluice_api::provider::Body;
use sluice_translate::{Head, Translation};
use sluice_wire::answer::framing::Begins;
use sluice_wire::answer::meter::End;

use crate::settle::Settlement;
use crate::source::{Expected, Opened, Source, look};

/// The longest answer that is turned into another dialect as one document.
const WHOLE_MAX: u64 = 64 * 1024 * 1024;

/// How an answer becomes the client's.
type How = (Arc<Translation>, Head);

/// Reads until it is known what the answer is, and until its first event (pings aside) or its first byte is there; what
/// is turned into one document is read whole.
///
/// # Errors
///
/// When the body breaks off, or ends empty, before that.
pub(crate) async fn begin(
    mut body: Body,
    expected: &Expected,
    settlement: &mut Settlement,
) -> Result<Box<Source>, Error> {
    let mut first = VecDeque::new();
    let (mut begins, mut ended) = (Begins::Otherwise, false);
    let left = body.size_hint().exact();
    if expected.looks() {
        (begins, ended) = look(&mut body, &mut first).await?;
    }
    let framing = expected.framing(begins);
    let mut source = Source::new(body, left, expected, framing);
    match &expected.translated {
        Some(how) if framing.0 != Form::Sse || !expected.form.is_stream() => {
            Reading { source: Some(source), settlement }.whole((first, ended), (how, expected.form)).await
        }
        _ => match source.begins((first, ended), expected).await {
            Ok(()) => Ok(source),
            Err(error) => {
                settlement.spends(source.seen(), &HeaderMap::new());
                Err(error)
            }
        },
    }
}

/// Owns the answer until it is turned into the client's dialect; dropped before, as when the client leaves or waits no
/// longer, it leaves behind what was used.
pub(crate) struct Reading<'s> {
    source: Option<Box<Source>>,
    settlement: &'s mut Settlement,
}

impl Reading<'_> {
    /// Reads to the end, and turns it into one document of the client's dialect, or all of the stream that it asked for.
    ///
    /// # Errors
    ///
    /// When the body breaks off, or is no answer that is whole.
    async fn whole(mut self, opened: Opened, how: (&How, Form)) -> Result<Box<Source>, Error> {
        let Some(source) = &mut self.source else { return Err(cut_off()) };
        read(source, opened).await?;
        if source.is_empty() {
            // Nothing was answered, and nothing is paid.
            self.source = None;
            return Err(empty());
        }
        becomes(source, how)?;
        self.source.take().ok_or_else(cut_off)
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if let Some(mut source) = self.source.take() {
            source.finish(End::Cut);
            self.settlement.comes_to_nothing(source.seen());
        }
    }
}

async fn read(source: &mut Source, (first, mut ended): Opened) -> Result<(), Error> {
    first.into_iter().for_each(|data| source.take(data));
    while !ended {
        match source.next().await? {
            Some(data) => source.take(data),
            None => ended = true,
        }
        if source.seen().bytes > WHOLE_MAX {
            let message = "the upstream's answer is longer than can be turned into another dialect";
            return Err(Error::new(Kind::Upstream, message).elsewhere(false));
        }
    }
    source.finish(End::Clean);
    Ok(())
}

/// What is none of the upstream's answers stays as it is, for the caller to look at.
fn becomes(source: &mut Source, ((translation, head), form): (&How, Form)) -> Result<(), Error> {
    if source.is_page() || source.first_error().is_some() {
        return Ok(());
    }
    // It is paid already: nobody is asked for another one.
    if !source.may_end() {
        return Err(cut_off().elsewhere(false));
    }
    let body = source.taken();
    let told = match source.form == Form::Sse {
        true => translation.gathered(&body, head),
        false => translation.whole(&body, head, form),
    };
    source.is_now(told.map_err(|error| error.elsewhere(false))?);
    Ok(())
}

fn empty() -> Error {
    Error::new(Kind::Upstream, "the upstream ended its answer before it had begun: send the request again")
}

fn cut_off() -> Error {
    Error::new(Kind::Upstream, "the upstream ended its answer before it was complete: send the request again")
}
