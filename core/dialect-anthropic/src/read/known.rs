//! Tools of Anthropic's that its clients run themselves, as functions with a schema, for models that were not made with
//! them.
//!
//! Sources: Anthropic's pages of each tool, and the SDK's types of what a memory is told. Gaps: computers and browsers,
//! whose coordinates and screens only Claude's models know, are refused.

use std::borrow::Cow;

use sluice_api::error::Error;
use sluice_neutral::request::Text;

use super::object::Object;

/// Tools by how their types begin, the last of those that fit: what each is for, and what it takes.
const KNOWN: [(&str, &str, &str); 5] = [
    (
        "bash_",
        "Runs a command in a shell that lasts from one call to the next. `restart` begins a new one in its place.",
        r#"{"type":"object","properties":{"command":{"type":"string","description":"The command; needed unless the shell is restarted"},"restart":{"type":"boolean","description":"Restarts the shell"}}}"#,
    ),
    ("text_editor_", EDITS, UNDOES),
    ("text_editor_20250429", EDITS, EDITOR),
    ("text_editor_20250728", EDITS, EDITOR),
    (
        "memory_",
        "Looks into and changes files below /memories, which last from one conversation to the next. Look there before you \
         begin, and keep there what will be of use later.",
        r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert","delete","rename"],"description":"What to do"},"path":{"type":"string","description":"The file or folder; all commands but `rename` need it"},"view_range":{"type":"array","items":{"type":"integer"},"description":"First and last line to `view`"},"file_text":{"type":"string","description":"All of the file to `create`"},"old_str":{"type":"string","description":"The text to replace by `str_replace`; it is there once"},"new_str":{"type":"string","description":"What `str_replace` puts in its place"},"insert_line":{"type":"integer","description":"The line behind which to `insert`; 0 is the beginning"},"insert_text":{"type":"string","description":"The text to `insert`"},"old_path":{"type":"string","description":"What to `rename`"},"new_path":{"type":"string","description":"Its new path"}},"required":["command"]}"#,
    ),
];

const EDITS: &str = "Looks into and changes files: `view` shows a file with its lines numbered, or what is in a folder; \
    `create` writes a file; `str_replace` replaces a text that stands once in a file, white space and all; `insert` puts \
    text behind a line.";

const EDITOR: &str = r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert"],"description":"What to do"},"path":{"type":"string","description":"The file or folder"},"view_range":{"type":"array","items":{"type":"integer"},"description":"First and last line to `view`; -1 is the last of the file"},"file_text":{"type":"string","description":"All of the file to `create`"},"old_str":{"type":"string","description":"The text that `str_replace` replaces"},"new_str":{"type":"string","description":"What `str_replace` puts in its place, or the text to `insert`"},"insert_line":{"type":"integer","description":"The line behind which to `insert`; 0 is the beginning"}},"required":["command","path"]}"#;

/// The older ones undo their last edit too.
const UNDOES: &str = r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert","undo_edit"],"description":"What to do"},"path":{"type":"string","description":"The file or folder"},"view_range":{"type":"array","items":{"type":"integer"},"description":"First and last line to `view`; -1 is the last of the file"},"file_text":{"type":"string","description":"All of the file to `create`"},"old_str":{"type":"string","description":"The text that `str_replace` replaces"},"new_str":{"type":"string","description":"What `str_replace` puts in its place, or the text to `insert`"},"insert_line":{"type":"integer","description":"The line behind which to `insert`; 0 is the beginning"}},"required":["command","path"]}"#;

/// What a tool of this kind is for, and the schema of what it takes; nothing where it is none of these.
pub(super) fn known<'a>(kind: &str, tool: &mut Object<'a>) -> Result<Option<(Text<'a>, Text<'a>)>, Error> {
    let found = KNOWN.iter().rfind(|(begins, ..)| kind.starts_with(begins));
    let Some((_, description, schema)) = found else { return Ok(None) };
    let mut description = Cow::Borrowed(*description);
    if kind.starts_with("text_editor_")
        && let Some(most) = tool.parsed::<u64>("max_characters")?
    {
        description.to_mut().push_str(&format!(" Of a file, {most} characters are shown at most."));
    }
    Ok(Some((description, Cow::Borrowed(schema))))
}
