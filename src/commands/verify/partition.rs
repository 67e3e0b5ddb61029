//! Selects this machine's part of the cases, by option or by the CI's variables.

use super::super::Stop;
use crate::verify::choice::Slice;

const HELP: &str = "set `CI_NODE_TOTAL` to the number of parts (a Kubernetes job's completions), \
                    or use `--partition`";

/// The part that `--partition` or else the CI's variables name; `None`: all cases.
pub(super) fn wanted(
    option: Option<&str>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Slice>, Stop> {
    match option {
        Some("all") => Ok(None),
        Some(text) => Slice::parse(text).map(Some).ok_or_else(|| {
            let help = "write slice:1/4 for the first of four parts, or all";
            Stop::usage(format!("`--partition {text}` is not a part"), help)
        }),
        None => of_the_ci(variable),
    }
}

/// GitLab counts its parallel jobs from 1 and gives their number. Kubernetes counts from 0 and does
/// not give it.
fn of_the_ci(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Slice>, Stop> {
    let (name, from) = match variable("CI_NODE_INDEX") {
        Some(_) => ("CI_NODE_INDEX", 1),
        None => ("JOB_COMPLETION_INDEX", 0),
    };
    let Some(index) = variable(name) else { return Ok(None) };
    let Some(total) = variable("CI_NODE_TOTAL") else {
        let fact = format!("`{name}` is {index}, but `CI_NODE_TOTAL` is not set");
        return Err(Stop::usage(fact, HELP));
    };
    let numbers = index.parse::<usize>().ok().zip(total.parse().ok());
    let slice = numbers
        .and_then(|(index, total)| Slice::new(index.checked_sub(from)?.checked_add(1)?, total));
    slice.map(Some).ok_or_else(|| {
        let fact =
            format!("`{name}` is {index} and `CI_NODE_TOTAL` is {total}: there is no such part");
        Stop::usage(fact, HELP)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(option: Option<&str>, variables: &[(&str, &str)]) -> Result<Option<String>, ()> {
        let variable = |name: &str| {
            let variable = variables.iter().find(|(other, _)| *other == name);
            variable.map(|(_, value)| (*value).to_owned())
        };
        let slice = wanted(option, &variable).map_err(|_| ())?;
        Ok(slice.map(|slice| slice.to_string()))
    }

    #[test]
    fn gitlab_counts_from_one() {
        let variables = [("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "3")];
        assert_eq!(of(None, &variables), Ok(Some("1/3".to_owned())));
    }

    #[test]
    fn kubernetes_counts_from_zero() {
        let variables = [("JOB_COMPLETION_INDEX", "0"), ("CI_NODE_TOTAL", "3")];
        assert_eq!(of(None, &variables), Ok(Some("1/3".to_owned())));
    }

    #[test]
    fn a_single_job_runs_all_cases() {
        assert_eq!(of(None, &[]), Ok(None));
        assert_eq!(of(None, &[("CI_NODE_TOTAL", "1")]), Ok(None));
    }

    #[test]
    fn an_index_without_a_fitting_total_is_refused() {
        assert_eq!(of(None, &[("JOB_COMPLETION_INDEX", "0")]), Err(()));
        assert_eq!(of(None, &[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "3")]), Err(()));
        assert_eq!(of(None, &[("CI_NODE_INDEX", "x"), ("CI_NODE_TOTAL", "3")]), Err(()));
    }

    #[test]
    fn the_option_overrides_the_ci() {
        let variables = [("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "3")];
        assert_eq!(of(Some("slice:2/2"), &variables), Ok(Some("2/2".to_owned())));
        assert_eq!(of(Some("all"), &variables), Ok(None));
        assert_eq!(of(Some("third"), &variables), Err(()));
    }
}
