//! Spans that wait to be sent: a bounded number of bytes.

use std::collections::VecDeque;

/// Bytes of spans that wait at most; what comes beyond them is lost.
pub(crate) const QUEUE_MAX: usize = 8 << 20;

/// Spans that are sent together at most.
pub(crate) const BATCH: usize = 512;

/// Bytes that are sent together at most, but for a span that is larger by itself: collectors take a few megabytes.
const BATCH_BYTES: usize = 1 << 20;

/// Spans as they are sent, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    spans: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Queue {
    /// Takes a span, where there is room for it.
    pub(crate) fn push(&mut self, span: Vec<u8>) -> bool {
        let room = self.bytes + span.len() <= QUEUE_MAX;
        if room {
            self.bytes += span.len();
            self.spans.push_back(span);
        }
        room
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The next ones that are sent together; none where none wait.
    pub(crate) fn batch(&mut self) -> Vec<Vec<u8>> {
        let mut bytes = 0;
        let fits = self.spans.iter().take(BATCH).take_while(|span| {
            bytes += span.len();
            bytes <= BATCH_BYTES
        });
        let count = fits.count().max(1).min(self.spans.len());
        let batch: Vec<_> = self.spans.drain(..count).collect();
        self.bytes -= batch.iter().map(Vec::len).sum::<usize>();
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::{BATCH, BATCH_BYTES, QUEUE_MAX, Queue};

    #[test]
    fn what_waits_is_bounded_and_leaves_in_bounded_batches_in_order() {
        let mut queue = Queue::default();
        let taken = (0..QUEUE_MAX).take_while(|number| queue.push(vec![*number as u8; 1000])).count();
        assert_eq!(taken, QUEUE_MAX / 1000);
        let mut left = Vec::new();
        while queue.len() > 0 {
            let batch = queue.batch();
            assert!((1..=BATCH).contains(&batch.len()) && batch.len() * 1000 <= BATCH_BYTES);
            left.extend(batch.into_iter().map(|span| span[0]));
        }
        assert!(left.into_iter().eq((0..taken).map(|number| number as u8)));
        assert!(queue.batch().is_empty() && queue.push(vec![0; QUEUE_MAX]), "all room is there again");
        assert!(!queue.push(vec![0]));
        assert_eq!(queue.batch().len(), 1, "one that is larger than a batch goes by itself");
    }
}
