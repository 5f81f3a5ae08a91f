//! Lines on their way to standard error, by a thread of their own: a reader of the log that stalls stalls no request.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Bytes that may wait to be written, some 3,000 lines of requests. What comes beyond it is dropped, and counted.
const WAITING_MAX: usize = 1024 * 1024;

/// How long the end of the process waits for a reader that stalls.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Where lines wait.
#[derive(Clone, Debug)]
pub(crate) struct Lines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<u8>,
    dropped: u64,
    ends: bool,
}

impl Lines {
    /// Takes whole lines: all of them, or, where there is no room, none.
    pub(crate) fn push(&self, text: &[u8], lines: u64) {
        let mut queue = self.0.queue();
        if queue.waiting.len() + text.len() > WAITING_MAX {
            queue.dropped += lines;
            return;
        }
        queue.waiting.extend_from_slice(text);
        drop(queue);
        self.0.changed.notify_one();
    }

    /// How many lines have been dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.0.queue().dropped
    }
}

impl Shared {
    /// Nothing panics while it is held.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what comes until the end is told; what comes while it writes is written together.
    fn write_to(&self, mut to: impl Write) {
        let mut writing = Vec::new();
        loop {
            let mut queue = self.queue();
            while queue.waiting.is_empty() {
                if queue.ends {
                    return;
                }
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut writing, &mut queue.waiting);
            drop(queue);
            // Who reads it may have gone, which is no reason to stop serving.
            let _ = to.write_all(&writing);
            writing.clear();
        }
    }
}

/// Writes what waits when it is dropped.
#[derive(Debug)]
pub(super) struct Ending {
    lines: Lines,
    ended: Receiver<()>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.lines.0.queue().ends = true;
        self.lines.0.changed.notify_one();
        let _ = self.ended.recv_timeout(LAST_WAIT);
    }
}

/// Starts the thread.
///
/// # Errors
///
/// When the system has no thread to give.
pub(super) fn start(to: impl Write + Send + 'static) -> io::Result<(Lines, Ending)> {
    let lines = Lines(Arc::default());
    let (end, ended) = channel();
    let shared = Arc::clone(&lines.0);
    thread::Builder::new().name("log".to_owned()).spawn(move || {
        shared.write_to(to);
        let _ = end.send(());
    })?;
    Ok((lines.clone(), Ending { lines, ended }))
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

/// Takes one line of the subscriber's, which it writes in one piece.
#[derive(Debug)]
pub(crate) struct Line<'a>(&'a Lines);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line, 1);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Lines, WAITING_MAX};

    #[test]
    fn what_has_no_room_is_dropped_and_counted_and_the_rest_is_written_in_order() {
        let lines = Lines(Arc::default());
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        (0..WAITING_MAX / line.len()).for_each(|_| lines.push(&line, 1));
        assert_eq!(lines.dropped(), 0);
        lines.push(b"no room\n", 1);
        lines.push(b"nor\nfor these\n", 2);
        assert_eq!(lines.dropped(), 3);
        let mut written = Vec::new();
        lines.0.queue().ends = true;
        lines.0.write_to(&mut written);
        assert_eq!(written, line.repeat(WAITING_MAX / line.len()));
        // There is room again.
        lines.push(b"last\n", 1);
        lines.0.write_to(&mut written);
        assert!(written.ends_with(b"x\nlast\n"));
        assert_eq!(lines.dropped(), 3);
    }
}
