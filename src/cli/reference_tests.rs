//! Holds `docs/reference/command-line.md` to the command line: every verb and every option, made of clap's own description; and the table in
//! `docs/reference/configuration.md` to the list of keys.
//!
//! `WATCHCAP_REFERENCE=write cargo test --lib cli::reference` writes it anew.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use super::Cli;
use crate::config::keys;

/// Returns text as it may stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Returns how an argument is written on the command line.
fn written(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let value = names.first().map(|name| format!("<{name}>")).unwrap_or_default();
    if arg.is_positional() {
        let more = if arg.get_num_args().is_some_and(|range| range.max_values() > 1) { "…" } else { "" };
        return format!("`{value}{more}`");
    }
    let names = [arg.get_short().map(|short| format!("-{short}")), arg.get_long().map(|long| format!("--{long}"))];
    let names = names.into_iter().flatten().collect::<Vec<_>>().join(", ");
    if takes { format!("`{names} {value}`") } else { format!("`{names}`") }
}

/// Returns what an argument means, with its values, its default and its variable.
fn meaning(arg: &Arg) -> String {
    let mut text = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({help})", value.get_name()),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    let takes = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    if takes && !values.is_empty() {
        write!(text, ": {}", values.join(", ")).expect("memory");
    }
    let defaults: Vec<String> = arg.get_default_values().iter().map(|value| value.to_string_lossy().into()).collect();
    if takes && !defaults.is_empty() {
        write!(text, " [default: {}]", defaults.join(", ")).expect("memory");
    }
    if let Some(variable) = arg.get_env() {
        write!(text, " [variable: `{}`]", variable.to_string_lossy()).expect("memory");
    }
    text
}

/// Writes a table of arguments under the headings that they have.
fn table(out: &mut String, args: &[&Arg]) {
    let mut headings: Vec<Option<&str>> = Vec::new();
    for arg in args {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    for heading in headings {
        if let Some(heading) = heading {
            writeln!(out, "\n**{heading}**").expect("memory");
        }
        writeln!(out, "\n| | |\n|---|---|").expect("memory");
        for arg in args.iter().filter(|arg| arg.get_help_heading() == heading) {
            writeln!(out, "| {} | {} |", cell(&written(arg)), cell(&meaning(arg))).expect("memory");
        }
    }
}

/// Writes the part of a command, and of those below it.
fn part(out: &mut String, command: &Command, names: &[&str]) {
    let names = [names, &[command.get_name()]].concat();
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    writeln!(out, "\n## {}\n\n{about}", names.join(" ")).expect("memory");
    let aliases: Vec<String> = command.get_visible_aliases().map(|alias| format!("`watchcap {alias}`")).collect();
    if !aliases.is_empty() {
        writeln!(out, "\nAlso {}.", aliases.join(", ")).expect("memory");
    }
    let args: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && !arg.is_global_set() && arg.get_id() != "help" && arg.get_id() != "version")
        .collect();
    if !args.is_empty() {
        table(out, &args);
    }
    // Without the heading of the help.
    if let Some(examples) = command.get_after_help().map(ToString::to_string) {
        let lines: Vec<&str> = examples.lines().skip(1).map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
        writeln!(out, "\n```text\n{}\n```", lines.join("\n")).expect("memory");
    }
    for below in command.get_subcommands().filter(|below| below.get_name() != "help" && !below.is_hide_set()) {
        part(out, below, &names);
    }
}

/// Returns the whole page.
fn page() -> String {
    let command = Cli::command();
    let mut out = String::from(
        "# Command line\n\nMade of the program's own description of its options; a test holds this page to it. \
         `watchcap COMMAND --help` says the same.\n\n## Every command\n",
    );
    let everywhere: Vec<&Arg> = command.get_arguments().filter(|arg| arg.is_global_set()).collect();
    table(&mut out, &everywhere);
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help" && !verb.is_hide_set()) {
        part(&mut out, verb, &["watchcap"]);
    }
    out
}

#[test]
fn the_page_of_the_command_line_is_what_the_program_takes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/command-line.md");
    if std::env::var_os("WATCHCAP_REFERENCE").is_some_and(|what| what == "write") {
        std::fs::write(path, page()).expect("the page");
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        there == page(),
        "docs/reference/command-line.md is not what the program takes: write it with \
         `WATCHCAP_REFERENCE=write cargo test --lib cli::reference`"
    );
}

/// Returns the table of the configuration's keys.
fn keys_table() -> String {
    let mut out = String::from("| key | meaning | without it | over it |\n|---|---|---|---|\n");
    let of_games = keys::OF_A_GAME.iter().map(|key| (format!("games.NAME.{}", key.name), key));
    for (path, key) in keys::all().map(|key| (key.path(), key)).chain(of_games) {
        let over = [key.variable, key.flag]
            .iter()
            .filter(|name| !name.is_empty())
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>();
        let adds = if key.adds { " Lists of several files add up." } else { "" };
        let (about, default) = (cell(key.about()), cell(key.default));
        writeln!(out, "| `{path}` | {about}{adds} | {default} | {} |", over.join(", ")).expect("memory");
    }
    out
}

#[test]
fn the_page_of_the_configuration_has_every_key() {
    const BEGIN: &str = "<!-- keys: made of src/config/keys.rs -->\n\n";
    const END: &str = "\n<!-- end of keys -->";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/configuration.md");
    let there = std::fs::read_to_string(path).expect("the page");
    let (before, rest) = there.split_once(BEGIN).expect("the mark where the table begins");
    let (_, after) = rest.split_once(END).expect("the mark where it ends");
    let page = format!("{before}{BEGIN}{}{END}{after}", keys_table());
    if std::env::var_os("WATCHCAP_REFERENCE").is_some_and(|what| what == "write") {
        std::fs::write(path, &page).expect("the page");
    } else {
        assert!(
            there == page,
            "docs/reference/configuration.md is not what can be configured: write it with \
            `WATCHCAP_REFERENCE=write cargo test --lib cli::reference`"
        );
    }
}
