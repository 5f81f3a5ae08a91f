//! What is kept while no collector is there.

use std::time::Duration;

use jiff::Timestamp;
use sluice_api::dialect::{Api, Operation};
use sluice_api::record::{Holder, Record};

use crate::Traces;
use crate::queue::QUEUE_MAX;

#[test]
fn without_a_collector_memory_is_bounded_nobody_waits_and_what_is_lost_is_counted() {
    let traces = Traces::new("http://127.0.0.1:1/v1/traces").unwrap();
    let (id, holder) = ("request".into(), Holder::default());
    let mut record = Record::new(Timestamp::UNIX_EPOCH, id, holder, Api::Anthropic, Operation::Generate);
    record.duration = Duration::from_secs(1);
    let batch = vec![record; 1_000];
    let mut batches = 0;
    while traces.dropped() == 0 {
        traces.take(&batch);
        batches += 1;
        assert!(batches * 1_000 < QUEUE_MAX, "something is dropped in the end");
    }
    let dropped = traces.dropped();
    traces.take(&batch);
    assert_eq!(traces.dropped() - dropped, 1_000, "there is no room for any");
}

#[test]
fn what_is_left_at_the_end_is_tried_once_and_lost_where_nobody_takes_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let traces = Traces::new("http://127.0.0.1:1/v1/traces").unwrap();
    let (id, holder) = ("request".into(), Holder::default());
    traces.take(&[Record::new(Timestamp::UNIX_EPOCH, id, holder, Api::Gemini, Operation::Embed)]);
    runtime.block_on(traces.finish());
    assert_eq!(traces.dropped(), 1);
}
