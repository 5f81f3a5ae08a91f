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
}
