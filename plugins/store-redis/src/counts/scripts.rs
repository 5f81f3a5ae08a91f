//! The scripts, put together of their parts.

use crate::script::Script;

const ADMIT: &str = include_str!("lua/begin_admit.lua");
const FREELY: &str = include_str!("lua/begin_freely.lua");
const NUMBERS: &str = include_str!("lua/numbers.lua");
const COUNTS: &str = include_str!("lua/counts.lua");
const LINES: &str = include_str!("lua/lines.lua");
const ROOM: &str = include_str!("lua/room.lua");

/// Every script that counts. What takes is refused where a server's memory is full; what gives back never is.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) take: Script,
    pub(super) settle: Script,
    pub(super) line_up: Script,
    pub(super) leave: Script,
    pub(super) look: Script,
    pub(super) seed: Script,
    pub(super) restore: Script,
    pub(super) hand: Script,
    pub(super) lengths: Script,
    pub(super) known: Script,
    pub(super) drop: Script,
    pub(super) beat: Script,
    pub(super) end_of_life: Script,
    pub(super) end: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let whole = |begin: &str, end: &str| Script::new(&[begin, NUMBERS, COUNTS, LINES, ROOM, end]);
        Self {
            take: whole(ADMIT, include_str!("lua/take.lua")),
            settle: whole(FREELY, include_str!("lua/settle.lua")),
            line_up: whole(ADMIT, include_str!("lua/line_up.lua")),
            leave: Script::new(&[FREELY, LINES, include_str!("lua/leave.lua")]),
            look: Script::new(&[FREELY, NUMBERS, COUNTS, include_str!("lua/look.lua")]),
            seed: Script::new(&[FREELY, NUMBERS, COUNTS, include_str!("lua/seed.lua")]),
            restore: whole(FREELY, include_str!("lua/restore.lua")),
            hand: Script::new(&[FREELY, NUMBERS, COUNTS, include_str!("lua/hand.lua")]),
            lengths: Script::new(&[FREELY, include_str!("lua/lengths.lua")]),
            known: Script::new(&[FREELY, include_str!("lua/known.lua")]),
            drop: Script::new(&[FREELY, include_str!("lua/drop.lua")]),
            beat: Script::new(&[FREELY, include_str!("lua/beat.lua")]),
            end_of_life: Script::new(&[FREELY, include_str!("lua/end_of_life.lua")]),
            end: Script::new(&[FREELY, include_str!("lua/end.lua")]),
        }
    }
}
