//! `watchcap completions` and `watchcap man`: made of the command line's own description, for packages and for whoever installs by cargo.

use std::io::Write as _;

use clap::{Command, CommandFactory as _};

use super::failure::{Failure, Outcome};
use super::text;
use crate::base::files;
use crate::cli::{Cli, CompletionsArgs, ManArgs};

pub(super) fn completions(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "watchcap", &mut script);
    // As it is, and not through the filter for captured text: tabs belong to it. A closed pipe is not an error of ours.
    drop(std::io::stdout().lock().write_all(&script));
    Outcome::Clean
}

pub(super) fn man(args: &ManArgs) -> Result<Outcome, Failure> {
    files::create_private_dirs(&args.dir, &mut Vec::new())
        .map_err(|error| Failure::new(&format!("cannot make {}: {error}", args.dir.display()), None))?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    page(&command, "watchcap", &mut pages);
    for (name, page) in &pages {
        let path = args.dir.join(name);
        let written = files::create_private_file(&path).and_then(|mut file| file.write_all(page));
        written.map_err(|error| Failure::new(&format!("cannot write {}: {error}", path.display()), None))?;
    }
    text::say(&format!("{} in {}", text::counted(pages.len() as u64, "manual page"), args.dir.display()));
    Ok(Outcome::Clean)
}

/// Makes the page of a command, and those of the verbs below it that are shown.
fn page(command: &Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) {
    let mut bytes = Vec::new();
    let source = format!("watchcap {}", env!("CARGO_PKG_VERSION"));
    let man = clap_mangen::Man::new(command.clone().display_name(name.to_owned())).source(source).manual("watchcap");
    // Written to memory.
    drop(man.render(&mut bytes));
    // What stands behind the options is always examples.
    let text = String::from_utf8_lossy(&bytes).replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n.nf\n");
    pages.push((format!("{name}.1"), text.into_bytes()));
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help" && !verb.is_hide_set()) {
        page(verb, &format!("{name}-{}", verb.get_name()), pages);
    }
}
