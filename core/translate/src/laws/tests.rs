//! The laws, held with bytes at random.

use proptest::prelude::*;

fn some_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..160)
}

proptest! {
    #[test]
    fn a_request_is_translated_or_refused_whatever_it_is(bytes in some_bytes()) {
        super::requested(&bytes);
    }

    #[test]
    fn an_answer_is_a_message_or_a_failure_of_the_upstream(bytes in some_bytes()) {
        super::answered(&bytes);
    }

    #[test]
    fn a_stream_has_anthropics_grammar_whatever_comes(bytes in some_bytes()) {
        super::streamed(&bytes);
    }

    #[test]
    fn blocks_that_are_mixed_are_told_whole_in_the_order_of_their_beginnings(bytes in some_bytes()) {
        super::mixed(&bytes);
    }

    #[test]
    fn a_request_says_in_each_other_dialect_what_it_said(bytes in some_bytes()) {
        super::returned(&bytes);
    }

    #[test]
    fn an_answer_is_told_to_clients_of_each_other_dialect_as_it_was(bytes in some_bytes()) {
        super::told(&bytes);
    }

    #[test]
    fn whatever_is_streamed_each_client_is_told_a_stream_of_its_grammar_however_it_is_cut(bytes in some_bytes()) {
        super::any_stream(&bytes);
    }

    #[test]
    fn whatever_is_answered_is_told_in_the_clients_dialect_or_is_the_upstreams_failure(bytes in some_bytes()) {
        super::any_answer(&bytes);
    }

    #[test]
    fn whatever_is_asked_is_said_in_each_other_dialect_or_is_its_clients_mistake(bytes in some_bytes()) {
        super::any_request(&bytes);
    }

    #[test]
    fn what_was_told_comes_back_in_the_next_request_as_it_was(bytes in some_bytes()) {
        super::next(&bytes);
    }
}
