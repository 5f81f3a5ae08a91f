//! What is caught, wherever the bytes are cut.

use super::{Capture, Position, Wanted};

#[test]
fn where_an_array_stands_is_known_at_every_byte() {
    use Position::{Before, Closed, CommaMayFollow, ElementMayFollow, Inside};
    let mut capture = Capture::array(WANTED);
    for (piece, position) in [
        (" ", Before),
        ("[", ElementMayFollow),
        ("\n", ElementMayFollow),
        ("{", Inside),
        ("\"a\":\"]", Inside),
        ("\"", Inside),
        ("}", CommaMayFollow),
        (" ", CommaMayFollow),
        (",", ElementMayFollow),
        ("{}", CommaMayFollow),
        ("]", Closed),
    ] {
        capture.feed(piece.as_bytes(), &mut |_| ());
        assert_eq!(capture.position(), position, "after {piece:?}");
    }
    for other in ["\"", "x", "x [", "1 [{}"] {
        let mut capture = Capture::array(WANTED);
        capture.feed(other.as_bytes(), &mut |_| ());
        assert_eq!(capture.position(), Inside, "{other}");
    }
}

#[test]
fn a_document_is_unfinished_from_its_first_byte_to_its_last() {
    let document = " {\"a\":[\"}]\",{\"usage\":{}}],\"model\":\"\\\"}\"} \n";
    let end = document.rfind('}').unwrap();
    for to in 0..=document.len() {
        let mut capture = Capture::object(WANTED);
        capture.feed(&document.as_bytes()[..to], &mut |_| ());
        assert_eq!(capture.is_unfinished(), (2..=end).contains(&to), "{to}");
    }
    for other in ["", " \n", "plain {text", "\"[", "\u{feff}{", "1 [2", "\u{89}PNG{["] {
        let mut capture = Capture::object(WANTED);
        capture.feed(other.as_bytes(), &mut |_| ());
        assert!(!capture.is_unfinished(), "{other:?}");
    }
}

const WANTED: &[Wanted] = &[Wanted::whole("usage"), Wanted::whole("model")];

fn objects(mut capture: Capture, text: &str, step: usize) -> (Vec<String>, bool) {
    let mut found = Vec::new();
    for piece in text.as_bytes().chunks(step) {
        capture.feed(piece, &mut |caught| {
            let all = caught
                .iter()
                .map(|(index, value)| format!("{}={}", WANTED[*index].name, String::from_utf8_lossy(value)));
            found.push(all.collect::<Vec<_>>().join(";"));
        });
    }
    (found, capture.is_closed())
}

#[test]
fn wanted_members_are_caught_whatever_the_chunks() {
    let text = r#" {"a":{"usage":1,"x":"}\""},"usage": {"n":[1,{"b":2}],"t":"a,b"} ,"u\u0073age":3,"model":"m\"x","z":[{}]} "#;
    for step in 1..text.len() {
        let (found, closed) = objects(Capture::object(WANTED), text, step);
        assert_eq!(found, [r#"usage= {"n":[1,{"b":2}],"t":"a,b"} ;model="m\"x""#], "{step}");
        assert!(closed);
    }
}

#[test]
fn objects_of_an_array_are_caught_one_by_one() {
    let text = "[{\"model\":\"a\"}\n,\r\n{\"x\":[],\"usage\":{}}\n]";
    for step in 1..text.len() {
        assert_eq!(
            objects(Capture::array(WANTED), text, step),
            (vec!["model=\"a\"".into(), "usage={}".into()], true)
        );
    }
    assert!(!objects(Capture::array(WANTED), "[{\"model\":\"a\"}", 3).1);
    assert_eq!(objects(Capture::array(WANTED), "{\"model\":\"a\"}", 4), (vec!["model=\"a\"".into()], true));
}

#[test]
fn items_of_a_list_are_caught_of_its_own_objects_alone() {
    const LISTS: &[Wanted] = &[Wanted::beginning("output").with_items(), Wanted::whole("id")];
    let long = "x".repeat(10_000);
    let document = format!(
        r#"{{"tools":[{{"id":"no"}}],"output": [{{"x":{{"id":"no"}},"id":"a\"","y":["{long}"]}} , 7,
        {{"id" : "b"}},[{{"id":"no"}}],{{}},{{"id":7}}],"id":"whole","other":[{{"id":"no"}}]}}"#
    );
    for step in [1, 7, document.len()] {
        let (mut capture, mut ids) = (Capture::object(LISTS), Vec::new());
        for piece in document.as_bytes().chunks(step) {
            capture.feed(piece, &mut |_| ());
            ids.extend(capture.take_items().into_iter().map(|item| {
                assert_eq!(item.list, 0);
                String::from_utf8(item.members[0].clone()).unwrap()
            }));
        }
        assert_eq!(
            ids.iter().map(|id| id.trim()).collect::<Vec<_>>(),
            [r#""a\"""#, "\"b\"", "", "7"],
            "{step}"
        );
    }
}

#[test]
fn of_a_long_value_the_beginning_is_caught_where_that_is_enough() {
    const LONG: &[Wanted] = &[Wanted::beginning("content"), Wanted::whole("usage")];
    let (text, beginning) = ("x".repeat(10_000), format!("[\"{}", "x".repeat(super::BEGINNING - 2)));
    let document = format!(r#"{{"content":["{text}"],"usage":"{text}"}}"#);
    for step in [1, 7, document.len()] {
        let (mut capture, mut found) = (Capture::object(LONG), Vec::new());
        for piece in document.as_bytes().chunks(step) {
            capture.feed(piece, &mut |caught| found.extend(caught.to_vec()));
        }
        assert_eq!(found, [(0, beginning.clone().into_bytes()), (1, format!("\"{text}\"").into_bytes())]);
    }
}
