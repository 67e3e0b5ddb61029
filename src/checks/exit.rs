//! `exit = 0`: the program's exit status.

use std::sync::Arc;

use super::{Kind, Scope, Seen, Subject};
use crate::attempt::evidence::{Evidence, ProgramEnd, Run};
use crate::lesson::toml_table::{Entry, Toml};

pub const KIND: Kind = Kind {
    key: "exit",
    rows: &[("`exit = 0`", "the program ended with this exit status")],
    read: |toml, entry| Some(Arc::new(Exit(status(toml, entry)?))),
};

#[derive(Debug)]
struct Exit(i32);

impl Subject for Exit {
    fn sentence(&self) -> String {
        format!("the program ends with exit status {}", self.0)
    }

    fn scope(&self) -> Scope {
        Scope::Program
    }

    fn judge(&self, evidence: &Evidence) -> Option<Seen> {
        let end = match &evidence.run {
            Run::Program(program) => program.end,
            Run::Typed(_) => ProgramEnd::Exited(self.0),
        };
        let found = match end {
            ProgramEnd::Exited(status) => format!("exit status {status}"),
            ProgramEnd::Signalled(signal) => format!("ended by signal {signal}"),
            ProgramEnd::TimedOut => "timed out".to_owned(),
        };
        let met = end == ProgramEnd::Exited(self.0);
        Some(Seen { met, expected: format!("exit status {}", self.0), found })
    }
}

fn status(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<i32> {
    let number = toml.integer(entry, "an integer from 0 to 255")?;
    let status = u8::try_from(number).ok();
    if status.is_none() {
        let help = Some("use an integer from 0 to 255".to_owned());
        toml.error(entry.value.span(), format!("`{number}` is not an exit status"), help);
    }
    status.map(i32::from)
}
