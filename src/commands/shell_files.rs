//! `redislings completions` and `redislings man`, generated from the definition of the command
//! line.

use std::fmt::Write as _;
use std::io;

use clap_complete::{Shell, generate};
use clap_mangen::Man;

use super::output::out;
use super::{Exit, Stop};
use crate::cli;
use crate::error::EnvironmentError;

const NAME: &str = "redislings";

pub(super) fn completions(shell: &str) -> Result<Exit, Stop> {
    let shell: Shell = shell.parse().map_err(|why: String| Stop::usage(why, "name another"))?;
    let mut script = Vec::new();
    generate(shell, &mut cli::definition(), NAME, &mut script);
    out(&String::from_utf8_lossy(&script));
    Ok(Exit::Passed)
}

pub(super) fn man() -> Result<Exit, Stop> {
    let mut page = Vec::new();
    write_man(&mut page).map_err(|error| {
        let fact = format!("the man page cannot be generated: {error}");
        EnvironmentError::new(fact, "`redislings --help` says the same")
    })?;
    out(&in_ascii(&String::from_utf8_lossy(&page)));
    Ok(Exit::Passed)
}

/// Escapes all other characters: `man` detects a page's encoding, but groff alone reads each byte
/// as a character.
fn in_ascii(page: &str) -> String {
    let mut escaped = String::with_capacity(page.len());
    for c in page.chars() {
        if c.is_ascii() {
            escaped.push(c);
        } else {
            let _ = write!(escaped, "\\[u{:04X}]", u32::from(c));
        }
    }
    escaped
}

/// One page for all commands, so that there is only one file to install.
fn write_man(page: &mut Vec<u8>) -> io::Result<()> {
    let man = Man::new(cli::definition());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    page.extend(b".SH COMMANDS\n");
    for command in cli::definition().get_subcommands() {
        let name = format!("{NAME} {}", command.get_name());
        page.extend(format!(".SS \"{name}\"\n").bytes());
        // Otherwise each command would list its help flag.
        let command = command.clone().bin_name(name).disable_help_flag(true);
        page.extend(within_a_section(&Man::new(command))?);
    }
    man.render_options_section(page)?;
    let mut examples = Vec::new();
    man.render_extra_section(&mut examples)?;
    let examples = String::from_utf8_lossy(&examples);
    page.extend(examples.replace(".SH EXTRA", ".SH EXAMPLES\n.nf").bytes());
    page.extend(b".fi\n");
    man.render_version_section(page)
}

/// A command's synopsis, description and options as paragraphs, since sections do not nest.
fn within_a_section(man: &Man) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().map(|line| if line.starts_with(".SH ") { ".PP" } else { line });
    Ok(lines.flat_map(|line| [line, "\n"]).collect::<String>().into_bytes())
}
