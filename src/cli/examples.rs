//! Examples of each verb, as they stand at the end of its help and in the reference. A test parses every one.

use clap::builder::StyledStr;

/// A command, and what it does.
type Example = (&'static str, &'static str);

/// Bold and underlined, as clap writes its own headings; left out where there are no colours.
const HEADING: &str = "\u{1b}[1m\u{1b}[4mExamples:\u{1b}[0m";
/// As clap writes what is to be typed.
const LITERAL: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";

/// The examples of every verb.
pub(super) const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "record",
        &[
            (
                "watchcap record --consent screen,input --duration 10m",
                "The primary monitor and its inputs, for ten minutes",
            ),
            (
                "watchcap record --app doom --fps 60 --game doom",
                "One window, at 60 frames a second, named in the metadata",
            ),
            (
                "watchcap record --source synthetic --duration 5s --session first",
                "A built-in picture: needs no display",
            ),
        ],
    ),
    (
        "pause",
        &[
            ("watchcap pause", "Pause the one recording that is running"),
            ("watchcap pause --pid 4711", "The recording of this process"),
        ],
    ),
    (
        "resume",
        &[
            ("watchcap resume", "Go on with the one recording that is running"),
            ("watchcap resume sessions/monday", "The one that records into this folder"),
        ],
    ),
    (
        "mark",
        &[
            ("watchcap mark 'level 3'", "Set a mark with a text"),
            ("xclip -o | watchcap mark -", "A text that is not to stand in the process list"),
        ],
    ),
    (
        "stop",
        &[
            ("watchcap stop", "End the one recording that is running"),
            ("watchcap stop --all", "Every recording of yours"),
        ],
    ),
    (
        "status",
        &[("watchcap status", "Every recording that is running"), ("watchcap status --json", "The same for a script")],
    ),
    (
        "redact",
        &[
            ("watchcap redact first --from 1:05 --to 1:20 --keys", "Withhold which keys went down in these seconds"),
            ("watchcap redact first --from f10 --to f90 --mask 0,0,640,360", "Black out a part of these frames"),
            ("watchcap redact first --all --mute", "Make all of the sound silent"),
        ],
    ),
    (
        "finalize",
        &[
            ("watchcap finalize first", "Seal what a crash or --no-finalize left"),
            ("watchcap finalize --again first", "Make a damaged session anew of the log that was kept"),
        ],
    ),
    (
        "recover",
        &[
            ("watchcap recover --dry-run first", "Say what can be saved; write nothing"),
            ("watchcap recover first", "Seal what can be saved"),
        ],
    ),
    (
        "verify",
        &[
            ("watchcap verify first", "Every file, row and frame"),
            ("watchcap verify --no-decode sessions more/s1", "Many, a line each; frames are hashed and not decoded"),
        ],
    ),
    (
        "reseal",
        &[
            ("watchcap reseal first", "Check all that can be checked, and seal it, which its metadata tell"),
            (
                "watchcap reseal first --expect 0f343b0931126a20f133d67c2b018a3b5ec5b7a8a0d4b2b3c7a4f1d9e6c8b2a1",
                "Write the very seal again that a catalog names, if the files are its files",
            ),
        ],
    ),
    (
        "sign",
        &[
            ("watchcap sign first --key ~/.ssh/id_ed25519", "Sign the seal"),
            ("watchcap verify first --signed-by ~/.ssh/id_ed25519.pub", "Check it"),
        ],
    ),
    (
        "join",
        &[
            ("watchcap join sessions --out day", "All parts of the one recording in a folder that was split"),
            ("watchcap join day-part0002 day-part0003 --out noon", "A piece of it"),
        ],
    ),
    (
        "replay",
        &[
            ("watchcap replay first", "Look at it: space plays, ? explains the keys"),
            ("watchcap replay first --check --json", "Open no player: say what makes it unfit for use"),
        ],
    ),
    (
        "sync-test",
        &[
            ("watchcap sync-test --consent screen,input", "Ten seconds at 30 frames a second"),
            ("watchcap sync-test --consent screen,input --fps 60 --duration 30s --json", "As JSON, for a table"),
        ],
    ),
    (
        "report",
        &[
            ("watchcap report sessions/monday", "One page of a session, beside its folder"),
            ("watchcap report sessions --each", "An overview of all of them, and a page of each"),
        ],
    ),
    (
        "export",
        &[
            ("watchcap export actions first --out train", "One row for each frame: what was done on seeing it"),
            (
                "watchcap export lerobot sessions --out dataset --fps 10",
                "A LeRobot dataset of every session in a folder",
            ),
        ],
    ),
    (
        "info",
        &[
            ("watchcap info first", "One session or log"),
            ("watchcap ls sessions", "Those below a folder, with what to do next"),
        ],
    ),
    (
        "annotate",
        &[
            (
                "watchcap annotate first --task 'Write a letter' --outcome success",
                "What was to be done, and how it went",
            ),
            ("watchcap annotate first --subtask '0..12.5=open the editor'", "A part of it, and when"),
            ("watchcap annotate first", "What was said so far"),
        ],
    ),
    (
        "migrate",
        &[
            ("watchcap migrate old --dry-run", "Say what would be done"),
            (
                "watchcap migrate theirs --import --positions fraction",
                "Make a session of what another program recorded",
            ),
        ],
    ),
    (
        "catalog",
        &[
            ("watchcap catalog sessions", "Write sessions/catalog.parquet"),
            ("watchcap catalog sessions --check", "Verify each session on the way"),
        ],
    ),
    (
        "delete",
        &[
            ("watchcap delete first --dry-run", "Say what would be removed"),
            ("watchcap delete first --only --yes", "Remove this folder alone, unasked"),
        ],
    ),
    (
        "targets",
        &[
            ("watchcap targets", "Monitors and windows, with what to give to record"),
            ("watchcap targets --json", "The same for a script"),
        ],
    ),
    (
        "doctor",
        &[
            ("watchcap doctor", "Try everything that a recording needs"),
            ("watchcap doctor --size 2560x1440 --fps 60", "Which encoders hold this size and rate"),
            ("watchcap doctor --ask", "On macOS: have the system ask for the rights to record and to listen"),
        ],
    ),
    (
        "consent",
        &[
            ("watchcap consent grant screen,input", "Agree for every recording to come"),
            ("watchcap consent withdraw --stream input", "Take it back while recording"),
        ],
    ),
    (
        "config",
        &[
            ("watchcap config init", "Write a commented file"),
            ("watchcap config show --origin", "What holds, and where each value is from"),
            ("watchcap config check", "Line and column of everything that is wrong"),
        ],
    ),
    (
        "profile",
        &[
            ("watchcap profile list", "Profiles that are built in, and your own"),
            ("watchcap profile show league-of-legends --size 1920x1080", "Where its masks are in a picture"),
        ],
    ),
    (
        "completions",
        &[
            (
                "watchcap completions bash > ~/.local/share/bash-completion/completions/watchcap",
                "For bash, from the next shell on",
            ),
            ("watchcap completions fish > ~/.config/fish/completions/watchcap.fish", "For fish"),
        ],
    ),
    ("man", &[("watchcap man ~/.local/share/man/man1", "Where man finds them"), ("man watchcap-record", "Read one")]),
    (
        "demo",
        &[
            ("watchcap demo", "Record, seal, verify and play five seconds"),
            ("watchcap demo --duration 2s --no-replay", "The same without a person"),
        ],
    ),
];

/// Returns the end of a verb's help.
pub(super) fn of(verb: &str) -> StyledStr {
    let examples = EXAMPLES.iter().find(|(name, _)| *name == verb).map(|(_, examples)| *examples).unwrap_or_default();
    if examples.is_empty() {
        return StyledStr::new();
    }
    let one = |(command, what): &Example| format!("\n  {LITERAL}{command}{PLAIN}\n          {what}");
    format!("{HEADING}{}", examples.iter().map(one).collect::<String>()).into()
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::super::Cli;
    use super::*;

    /// Words of a command as a shell makes them, for what stands in the examples.
    fn words(command: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quoted = false;
        for c in command.chars() {
            match (c, quoted) {
                ('\'', _) => quoted = !quoted,
                (' ', false) => words.push(String::new()),
                _ => words.last_mut().expect("a word").push(c),
            }
        }
        words
    }

    #[test]
    fn every_verb_has_two_examples_that_it_takes() {
        let command = Cli::command();
        for verb in command.get_subcommands() {
            let name = verb.get_name();
            let (_, examples) = EXAMPLES.iter().find(|(of, _)| *of == name).unwrap_or_else(|| panic!("none of {name}"));
            assert!(examples.len() >= 2, "{name} has one example");
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            for (example, what) in *examples {
                // Behind a pipe, before a file; `man` is no verb of ours.
                let ours = example.rsplit("| ").next().expect("a command");
                let ours = ours.split(" > ").next().expect("a command");
                if !ours.starts_with("watchcap ") {
                    continue;
                }
                let parsed = Cli::try_parse_from(words(ours));
                assert!(parsed.is_ok(), "{example}: {}", parsed.err().map(|e| e.to_string()).unwrap_or_default());
                assert!(
                    help.contains(example) && help.contains(what),
                    "{example} is not in the help of {name}: {help}"
                );
            }
        }
        for (name, _) in EXAMPLES {
            assert!(command.find_subcommand(name).is_some(), "there is no verb {name}");
        }
    }
}
