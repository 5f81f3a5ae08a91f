//! Where a stream's end stands is the server's affair.

use std::time::Duration;

use sluice_tests::load::{self, drive};
use sluice_tests::upstream::{Ends, Manner, Step, Upstream};

use super::{before, is_well, spoken, usual};

/// Of those that are told of, some may cross with the end.
const RESETS_MAX: usize = 5;

#[test]
fn thousands_of_whole_answers_whose_end_comes_apart_reset_nothing() {
    for (ends, threads) in [(Ends::Apart, 16), (Ends::After(Duration::from_millis(1)), 16), (Ends::Apart, 1)]
    {
        let upstream = Upstream::http2(Manner { ends, ..Manner::default() }, usual);
        let gateway = before(&upstream, "");
        drive(threads, 2_500, |_| load::sample(&gateway, spoken(), false));
        is_well(&gateway, &format!("{ends:?}"));
        let resets = upstream.resets();
        assert!(resets.len() <= RESETS_MAX, "{ends:?}: {} resets, like {:?}", resets.len(), resets.first());
    }
}

#[test]
fn trailers_and_an_end_within_the_last_piece_are_ends_too() {
    for ends in [Ends::Apart, Ends::Within] {
        let upstream = Upstream::http2(Manner { ends, ..Manner::default() }, |request| {
            let mut steps = usual(request);
            if request.header("x-turn").is_none() {
                steps.pop();
                steps.push(Step::Trailers("x-checksum: 1\r\n".to_owned()));
            }
            steps
        });
        let gateway = before(&upstream, "");
        drive(4, 200, |number| load::sample(&gateway, spoken(), number % 2 == 0));
        is_well(&gateway, &format!("{ends:?}"));
        assert!(upstream.resets().len() <= RESETS_MAX, "{ends:?}: {:?}", upstream.resets());
    }
}
