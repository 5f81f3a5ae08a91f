//! The text of a conversation's beginning, whatever form it has: clients change the form from turn to turn.

use std::ops::Range;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use sluice_json as json;
use sluice_json::member::member;

/// Between texts: no byte of UTF-8, and so of no text.
const BREAK: [u8; 1] = [0xFF];

/// Marks that clients move on from turn to turn, and names that they give anew: none of it is what was said.
const FORM: [&str; 6] =
    ["cache_control", "prompt_cache_breakpoint", "id", "status", "annotations", "citations"];

/// Where the text of an object stands, the surest first.
const INSIDE: [&str; 3] = ["content", "parts", "text"];

/// How deep a value is looked into; deeper down its bytes count as they are.
const DEPTH_MAX: usize = 16;

/// What was said, as a hash.
#[derive(Default)]
pub(crate) struct Words(Xxh3);

impl Words {
    /// Says everything up to the end of the first user's turn; whether there is one.
    pub(crate) fn up_to_the_user(&mut self, body: &[u8], turns: &Range<usize>) -> bool {
        if body.get(turns.start) != Some(&b'[') {
            return self.turn(body, turns);
        }
        let mut found = false;
        json::elements_while(body, turns, |element| {
            found = self.turn(body, &element);
            !found
        });
        found
    }

    /// Says one turn; whether it is a user's, as one is that names nobody.
    fn turn(&mut self, body: &[u8], turn: &Range<usize>) -> bool {
        let role = member(body, turn, "role").and_then(|role| body.get(role));
        let role = role.map_or_else(|| "user".into(), json::text::unescaped);
        self.0.update(role.as_bytes());
        self.next();
        self.say(body, turn);
        self.next();
        role == "user"
    }

    /// What comes now is another text.
    pub(crate) fn next(&mut self) {
        self.0.update(&BREAK);
    }

    /// Says a text, a list of parts, or what has its text, parts or content inside.
    pub(crate) fn say(&mut self, body: &[u8], value: &Range<usize>) {
        self.say_within(body, value, 0);
    }

    fn say_within(&mut self, body: &[u8], value: &Range<usize>, depth: usize) {
        let bytes = body.get(value.clone()).unwrap_or_default();
        match bytes.first() {
            Some(b'"') => self.0.update(json::text::unescaped(bytes).as_bytes()),
            Some(b'[') if depth < DEPTH_MAX => {
                json::elements_within(body, value, |part| self.say_within(body, &part, depth + 1));
            }
            Some(b'{') if depth < DEPTH_MAX => match inside(body, value) {
                Some(inside) => self.say_within(body, &inside, depth + 1),
                None => self.0.update(&meaning(body, value, depth).to_le_bytes()),
            },
            _ => self.0.update(bytes),
        }
    }

    /// The hash of all that was said.
    pub(crate) fn digest(&self) -> u128 {
        self.0.digest128()
    }
}

/// Where an object's text stands.
fn inside(body: &[u8], object: &Range<usize>) -> Option<Range<usize>> {
    let mut found: Option<(usize, Range<usize>)> = None;
    json::members_within(body, object, |member| {
        let name = json::text::unescaped(body.get(member.name).unwrap_or_default());
        let rank = INSIDE.iter().position(|inside| *inside == name);
        if let Some(rank) = rank.filter(|rank| found.as_ref().is_none_or(|(best, _)| rank < best)) {
            found = Some((rank, member.value));
        }
    });
    found.map(|(_, value)| value)
}

/// What a value holds, whatever the order of its members and the space between them.
fn meaning(body: &[u8], value: &Range<usize>, depth: usize) -> u128 {
    let bytes = body.get(value.clone()).unwrap_or_default();
    match bytes.first() {
        Some(b'"') => xxh3_128(json::text::unescaped(bytes).as_bytes()),
        Some(b'[') if depth < DEPTH_MAX => {
            let mut hash = Xxh3::new();
            json::elements_within(body, value, |element| {
                hash.update(&meaning(body, &element, depth + 1).to_le_bytes());
            });
            hash.digest128()
        }
        Some(b'{') if depth < DEPTH_MAX => {
            let mut sum = 1_u128;
            json::members_within(body, value, |member| {
                let name = json::text::unescaped(body.get(member.name).unwrap_or_default());
                if FORM.contains(&&*name) {
                    return;
                }
                let mut hash = Xxh3::new();
                hash.update(name.as_bytes());
                hash.update(&BREAK);
                hash.update(&meaning(body, &member.value, depth + 1).to_le_bytes());
                // A sum, so that the order does not matter.
                sum = sum.wrapping_add(hash.digest128());
            });
            sum
        }
        _ => xxh3_128(bytes),
    }
}
