//! Files that typed answers put in the place of `dump.rdb`, which a server reads only as it starts.

use crate::attempt::commands::REFUSED;
use crate::attempt::evidence::{Run, TypedExchange};
use crate::runner_line::{self, Place, RunnerLine};
use crate::verdict::diagnosis::Cause;
use crate::verdict::diagnosis::facts::Facts;

/// The name that servers read where no setting says another.
const PLACE: &str = "dump.rdb";

/// What a line did to the server or its files.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    CopiedIntoPlace,
    /// Another file than [`PLACE`], to another place.
    CopiedElsewhere,
    Stopped,
    Started,
    Saved,
}

/// The file is there, and no start came after.
pub fn never_read(facts: &Facts<'_>) -> Option<Cause> {
    let steps = steps(facts)?;
    let copy = copy_beside_a_server(&steps)?;
    (!steps[copy..].contains(&Step::Started)).then(|| Cause::at([]))
}

/// The stop itself is SHUTDOWN NOSAVE.
pub fn saved_over(facts: &Facts<'_>) -> Option<Cause> {
    let steps = steps(facts)?;
    let copy = copy_beside_a_server(&steps)?;
    let mut later = steps[copy..].iter().take_while(|step| **step != Step::Started);
    later.any(|step| *step == Step::Saved).then(|| Cause::at([]))
}

/// Files were copied and the server was started, but no file came to the place that it reads.
pub fn under_another_name(facts: &Facts<'_>) -> Option<Cause> {
    let steps = steps(facts)?;
    let copy = steps.iter().rposition(|step| *step == Step::CopiedElsewhere)?;
    let is_elsewhere = !steps.contains(&Step::CopiedIntoPlace);
    (is_elsewhere && steps[copy..].contains(&Step::Started)).then(|| Cause::at([]))
}

/// The last copy into the server's place, if the server was running then.
fn copy_beside_a_server(steps: &[Step]) -> Option<usize> {
    let copy = steps.iter().rposition(|step| *step == Step::CopiedIntoPlace)?;
    let turns = steps[..copy].iter().rev();
    let last = turns.into_iter().find(|step| matches!(step, Step::Stopped | Step::Started));
    (last != Some(&Step::Stopped)).then_some(copy)
}

/// `None`: the server may read another file, was not running at first, or holds what the answer
/// wrote itself, which may be wrong for another reason.
fn steps(facts: &Facts<'_>) -> Option<Vec<Step>> {
    let Run::Typed(typed) = &facts.evidence.run else { return None };
    let is_set = |name| facts.last_set(name).is_some();
    let setup = facts.exercise.setup.iter().flat_map(|code| code.text.lines());
    let may_read_another = ["dir", "dbfilename", "appendonly"].into_iter().any(is_set)
        || facts
            .exercise
            .settings
            .iter()
            .chain(&facts.exercise.restart)
            .any(|(name, _)| ["dbfilename", "appendonly"].contains(&name.as_str()))
        || setup.into_iter().any(|line| line.trim().starts_with("@stop"));
    let may_have_written = !facts.writes().is_empty() || facts.evidence.timeline.left_out > 0;
    if may_read_another || may_have_written {
        return None;
    }
    let mut steps = Vec::new();
    for line in typed.exchanges.iter().filter(|line| !line.reply.starts_with(REFUSED)) {
        match runner_line::read(&line.line, Place::WhereTheServerStops) {
            Ok(RunnerLine::Start(settings)) if !settings.is_empty() => return None,
            Ok(RunnerLine::Start(_)) => steps.push(Step::Started),
            Ok(RunnerLine::Stop) => steps.push(Step::Stopped),
            Ok(RunnerLine::Copy { to, .. }) if to.as_str() == PLACE => {
                steps.push(Step::CopiedIntoPlace);
            }
            Ok(RunnerLine::Copy { from, .. }) if from.as_str() != PLACE => {
                steps.push(Step::CopiedElsewhere);
            }
            _ if may_stop(line) => return None,
            _ => steps.extend(saved(line).then_some(Step::Saved)),
        }
    }
    Some(steps)
}

fn saved(line: &TypedExchange) -> bool {
    line.line.trim().eq_ignore_ascii_case("SAVE") && line.reply == "OK"
}

fn may_stop(line: &TypedExchange) -> bool {
    let name = line.line.split_whitespace().next().unwrap_or_default();
    ["SHUTDOWN", "DEBUG", "@crash"].iter().any(|other| name.eq_ignore_ascii_case(other))
}
