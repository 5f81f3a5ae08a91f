//! The laws, held with bytes at random.

use proptest::prelude::*;

fn some_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..160)
}

proptest! {
    #[test]
    fn the_scanner_takes_what_serde_json_takes_and_tells_where_it_stands(bytes in some_bytes()) {
        super::scanner(&bytes);
    }

    #[test]
    fn a_spliced_body_says_the_same_but_for_what_was_changed(bytes in some_bytes()) {
        super::spliced(&bytes);
    }

    #[test]
    fn what_a_look_finds_is_what_serde_json_finds(bytes in some_bytes()) {
        super::peeked(&bytes);
    }

    #[test]
    fn what_a_body_refers_to_has_a_bound(bytes in some_bytes()) {
        super::referred(&bytes);
    }

    #[test]
    fn events_are_those_of_the_standard_however_they_are_cut(bytes in some_bytes()) {
        super::events(&bytes);
    }

    #[test]
    fn all_that_is_seen_of_an_answer_is_the_same_however_it_is_cut(bytes in some_bytes()) {
        super::metered(&bytes);
    }

    #[test]
    fn a_stream_that_breaks_off_ends_in_an_error_of_its_dialect(bytes in some_bytes()) {
        super::ended(&bytes);
    }

    #[test]
    fn only_usage_alone_is_hidden_however_it_is_cut(bytes in some_bytes()) {
        super::hidden(&bytes);
    }

    #[test]
    fn an_answer_is_read_for_what_it_is_however_it_is_cut(bytes in some_bytes()) {
        super::answers(&bytes);
    }
}
