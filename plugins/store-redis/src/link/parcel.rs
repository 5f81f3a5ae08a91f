//! What is sent: a command, or a script that a server may know already.

use redis::Cmd;

use crate::script::Script;

/// What is sent.
pub(super) enum Parcel<'a> {
    /// A command as it is.
    Command(&'a Cmd),
    /// A script, with its keys and arguments.
    Script(&'a Script, &'a [String], &'a [Vec<u8>]),
}

/// How a script is told.
#[derive(Clone, Copy)]
pub(super) enum Told {
    /// By its digest: enough for who knows it.
    Short,
    /// Whole.
    Whole,
}

impl Parcel<'_> {
    /// Sends it, and with it what must stand right before it.
    pub(super) fn with_asking(&self, told: Told) -> redis::Pipeline {
        let mut together = redis::pipe();
        together.cmd("ASKING").add_command(self.command(told));
        together
    }

    /// It as a command.
    pub(super) fn command(&self, told: Told) -> Cmd {
        let (script, keys, args) = match *self {
            Self::Command(command) => return command.clone(),
            Self::Script(script, keys, args) => (script, keys, args),
        };
        let (name, first) = match told {
            Told::Short => ("EVALSHA", script.digest()),
            Told::Whole => ("EVAL", script.code()),
        };
        let mut command = redis::cmd(name);
        command.arg(first).arg(keys.len()).arg(keys).arg(args);
        command
    }
}
