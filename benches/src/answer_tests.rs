//! Answers cut anywhere, and answers that are wrong.

use super::{Answer, Wrong};

const BODY: &[u8] = b"data: one\n\ndata: two\n\n";
const SIZED: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\ndata: one\n\ndata: two\n\n";
const CHUNKED: &[u8] =
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nb\r\ndata: one\n\n\r\n0B\r\ndata: two\n\n\r\n0\r\n\r\n";

fn check(pieces: &[&[u8]], expected: Result<bool, Wrong>) {
    let mut answer = Answer::expecting(BODY);
    let taken = pieces.iter().try_for_each(|piece| answer.take(piece));
    assert_eq!(taken.map(|()| answer.is_whole()), expected, "{pieces:?}");
}

fn altered(from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(CHUNKED);
    assert!(text.contains(from));
    text.replace(from, to).into_bytes()
}

#[test]
fn an_answer_cut_anywhere_is_still_one_answer() {
    for whole in [SIZED, CHUNKED] {
        for at in 0..whole.len() {
            check(&[&whole[..at]], Ok(false));
            check(&[&whole[..at], &whole[at..]], Ok(true));
        }
    }
}

#[test]
fn an_answer_that_differs_is_told() {
    check(&[&altered("two", "too")], Err(Wrong::Differs(11)));
    check(&[&altered("0B\r\ndata: two\n\n\r\n", "")], Err(Wrong::Early(11)));
    check(&[&altered("0\r\n\r\n", "1\r\nx\r\n0\r\n\r\n")], Err(Wrong::Differs(0)));
    check(&[&altered("0B\r\n", "g\r\n")], Err(Wrong::Framing));
    check(&[&altered("0B\r\n", "123456789\r\n")], Err(Wrong::Framing));
    check(&[&altered("200 OK", "502 Bad Gateway")], Err(Wrong::Status("HTTP/1.1 502 Bad Gateway".into())));
    check(&[&altered("transfer-encoding: chunked", "x: y")], Err(Wrong::Length));
    check(&[&altered("transfer-encoding: chunked", "content-length: 21")], Err(Wrong::Length));
    check(&[CHUNKED, b"H"], Err(Wrong::Late));
}
