//! Runs the documents: every fenced block, in order, in one folder and one shell per document, as a reader would type them.
//!
//! The language of a fence says what it is: `sh` are commands, `console` are commands behind `$ ` with what they print, `python` a program,
//! `toml` a configuration, `json` lines of JSON, `text` something to look at. A fence without a language fails, so no block escapes. Two
//! comments, which a reader of the page does not see, stand on a line of their own before a block: `<!-- first: COMMAND -->` runs something
//! that the text takes for granted, `<!-- exit: N -->` says with which code the block ends. `<!-- needs: MODULE -->` names a Python package that only
//! `make test-consumers` installs: without it the block is skipped and says so; that target runs it. `NAME` in a block is the session `s1`. `prelude.sh` has what stands in for the long and
//! the interactive: a build, a recording without an end, the player.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{Display, venv_python};

/// A fenced block.
struct Block {
    /// Line of its fence in the document, from 1.
    line: usize,
    language: String,
    text: String,
    first: Vec<String>,
    /// The Python module without which it cannot run.
    needs: Option<String>,
    exit: i32,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn comment<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    Some(line.trim().strip_prefix("<!--")?.strip_suffix("-->")?.trim().strip_prefix(name)?.trim())
}

fn blocks(document: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    let (mut first, mut needs, mut exit) = (Vec::new(), None, 0);
    for (number, line) in document.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(language), None) => {
                let first = std::mem::take(&mut first);
                let (needs, exit) = (std::mem::take(&mut needs), std::mem::take(&mut exit));
                open = Some(Block {
                    line: number + 1,
                    language: language.trim().into(),
                    text: String::new(),
                    first,
                    needs,
                    exit,
                });
            }
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {
                first.extend(comment(line, "first:").map(str::to_owned));
                needs = comment(line, "needs:").map(str::to_owned).or(needs);
                exit = comment(line, "exit:").map_or(exit, |code| code.parse().expect("a code"));
            }
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    found
}

/// The commands of a console block: lines behind `$ `, with lines that go on behind `> ` or two spaces of a command that is not finished.
fn commands(text: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    for line in text.lines() {
        let command = if quoted { Some(line) } else { line.strip_prefix("$ ") };
        if let Some(command) = command {
            writeln!(out, "{command}").expect("memory");
            quoted ^= command.matches('"').count() % 2 == 1;
        }
    }
    out
}

/// `NAME` stands for a session in the pages; here it is `s1`.
fn of_s1(text: &str) -> String {
    ["NAME.", "NAME/", "NAME "]
        .iter()
        .fold(text.to_owned(), |text, name| text.replace(name, &name.replace("NAME", "s1")))
}

/// The shell's script of a document.
fn script(blocks: &[Block]) -> String {
    let mut out = String::from(". \"$PRELUDE\"\n");
    for (number, block) in blocks.iter().enumerate() {
        let Block { line, language, text, first, needs, exit } = block;
        writeln!(out, "at 'line {line}'").expect("memory");
        for command in first {
            writeln!(out, "{}", of_s1(command)).expect("memory");
        }
        let body = match language.as_str() {
            "sh" => text.clone(),
            "console" => commands(text),
            "python" => {
                let needs = needs.as_deref().unwrap_or("sys");
                format!("python_with {needs} {line} <<'END_OF_{number}'\n{text}END_OF_{number}\n")
            }
            "toml" => format!(
                "cat >block.toml <<'END_OF_{number}'\n{text}END_OF_{number}\nwatchcap --config block.toml info s1\n"
            ),
            "json" => format!(
                "python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]' <<'END_OF_{number}'\n{text}END_OF_{number}\n"
            ),
            "text" => continue,
            other => {
                panic!("line {line}: a fence of the language '{other}': use sh, console, python, toml, json or text")
            }
        };
        // Paths that the pages use for a place of many sessions.
        let body = of_s1(&body);
        let body =
            body.replace("/data/", "$PWD/data/").replace("'$PWD/data/", "'data/").replace("\"$PWD/data/", "\"data/");
        if *exit == 0 {
            out.push_str(&body);
        } else {
            writeln!(out, "ends_with {exit} <<'END_OF_EXIT_{number}'\n{body}END_OF_EXIT_{number}").expect("memory");
        }
    }
    out.push_str("at 'the end'\n");
    out
}

/// Runs a document from its first block to its last. Returns what it printed.
fn runs(document: &str) -> String {
    let text = std::fs::read_to_string(root().join(document)).expect(document);
    let blocks = blocks(&text);
    assert!(!blocks.is_empty(), "{document} has no block");
    let display = Display::start(640, 480);
    let scratch = tempfile::tempdir().expect("a folder");
    let dir = |name: &str| -> PathBuf { scratch.path().join(name) };
    for name in ["home", "run", "work", "work/data/sessions", "work/data/theirs"] {
        crate::support::private_dir(&dir(name));
    }
    std::fs::write(dir("script.sh"), script(&blocks)).expect("a script");
    let mut command = Command::new("env");
    command.args(["--default-signal=INT,HUP,TERM", "bash", "-e"]).arg(dir("script.sh")).current_dir(dir("work"));
    command.env("PRELUDE", root().join("tests/docs/prelude.sh")).env("REPOSITORY", root());
    command.env("WATCHCAP", env!("CARGO_BIN_EXE_watchcap")).env("PYTHON", venv_python().get_program());
    command.env("CONSUMERS", root().join(".venv-consumers/bin/python")).env("HF_HUB_OFFLINE", "1");
    command.env("HOME", dir("home")).env("XDG_RUNTIME_DIR", dir("run")).env("DISPLAY", &display.name);
    // Other tests record at the same time.
    command.env("WATCHCAP_CONTROL_DIR", dir("run"));
    for name in [
        "XDG_CONFIG_HOME",
        "WATCHCAP_CONFIG",
        "WATCHCAP_CONSENT",
        "WATCHCAP_OUT",
        "WAYLAND_DISPLAY",
        "XDG_SESSION_TYPE",
    ] {
        command.env_remove(name);
    }
    let output = command.stdin(Stdio::null()).output().expect("bash");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (said(&output.stdout), said(&output.stderr));
    assert!(output.status.success(), "{document} does not run, exit {:?}:\n{out}\n{err}", output.status.code());
    assert!(out.contains("\n== the end\n"), "{document} was not run to its end:\n{out}");
    println!("{document}: {} blocks", blocks.len());
    out
}

#[test]
fn readme() {
    assert!(!runs("README.md").contains("== skipped"), "every block of README runs");
}

/// The pages of the book that have blocks, but for the exports, which need big packages.
const PAGES: [&str; 18] = [
    "docs/CATALOG.md",
    "docs/guides/desktop.md",
    "docs/guides/game.md",
    "docs/guides/headless.md",
    "docs/guides/long.md",
    "docs/guides/many-sessions.md",
    "docs/guides/pictures.md",
    "docs/guides/privacy.md",
    "docs/guides/review.md",
    "docs/guides/sound.md",
    "docs/guides/study.md",
    "docs/guides/training.md",
    "docs/install.md",
    "docs/loss.md",
    "docs/reference/configuration.md",
    "docs/reference/session.md",
    "docs/tutorial.md",
    "examples/README.md",
];

/// Runs every `step`-th page from `first` on: the pages are shared out over a few tests, which run side by side.
fn pages(first: usize, step: usize) {
    for page in PAGES.iter().skip(first).step_by(step) {
        assert!(!runs(page).contains("== skipped"), "every block of {page} runs");
    }
}

#[test]
fn pages_of_the_book() {
    pages(0, 2);
}

#[test]
fn more_pages_of_the_book() {
    pages(1, 2);
}

#[test]
fn exports() {
    let out = runs("docs/EXPORTS.md");
    for line in out.lines().filter(|line| line.starts_with("== skipped")) {
        println!("{line}");
    }
}

/// By `make test-consumers`, which installs what the others skip.
#[test]
#[ignore = "needs the packages of make test-consumers"]
fn exports_with_every_package() {
    assert!(!runs("docs/EXPORTS.md").contains("== skipped"), "a block was skipped");
}

/// Every page below a folder, as a path from the top of the repository.
fn below(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join(folder)).expect("a folder of pages") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        if root().join(&path).is_dir() {
            found.extend(below(&path));
        } else if Path::new(&name).extension().is_some_and(|kind| kind == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_page_of_the_documentation_is_run() {
    for page in below("docs") {
        let text = std::fs::read_to_string(root().join(&page)).expect("a page");
        let run = page == "docs/EXPORTS.md" || PAGES.contains(&page.as_str());
        let looked_at = |block: &Block| block.language == "text";
        assert!(run || blocks(&text).iter().all(looked_at), "{page} has blocks that no test runs");
    }
    for page in PAGES {
        let text = std::fs::read_to_string(root().join(page)).expect(page);
        assert!(blocks(&text).iter().any(|block| block.language != "text"), "{page} has nothing to run");
    }
}

/// The name by which a heading is reached, as GitHub and mdBook make it.
fn anchor(heading: &str) -> String {
    let plain = heading.trim().to_lowercase();
    let kept = plain.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// A page without its fenced blocks and comments.
fn prose(text: &str) -> String {
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_link_leads_somewhere() {
    let top = ["README.md", "ARCHITECTURE.md", "FORMAT.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md"];
    let mut links = 0;
    for page in below("docs").into_iter().chain(top.map(str::to_owned)) {
        let text = prose(&std::fs::read_to_string(root().join(&page)).expect("a page"));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") || link.starts_with("mailto:") {
                continue;
            }
            let (path, part) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(&page).parent().expect("a folder");
            let target = if path.is_empty() { PathBuf::from(&page) } else { folder.join(path) };
            let there = std::fs::read(root().join(&target));
            let there = there.unwrap_or_else(|error| panic!("{page}: {link} leads nowhere: {error}"));
            let text = String::from_utf8_lossy(&there);
            let has = |part: &str| {
                text.lines().any(|line| line.starts_with('#') && anchor(line.trim_start_matches('#')) == part)
            };
            assert!(part.is_empty() || has(part), "{page}: {link} leads to no heading");
            links += 1;
        }
    }
    assert!(links > 60, "{links} links were found");
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).expect("docs/SUMMARY.md");
    for page in below("docs").iter().filter(|page| !page.ends_with("SUMMARY.md")) {
        assert!(summary.contains(&format!("({})", page.trim_start_matches("docs/"))), "{page} is not in the book");
    }
}

#[test]
fn the_platforms_of_the_readme_and_of_the_book_are_the_same() {
    let table = |page: &str| -> Vec<String> {
        let text = std::fs::read_to_string(root().join(page)).expect("a page");
        let rows = text.lines().skip_while(|line| *line != "## Platforms").skip(1).skip_while(|line| line.is_empty());
        rows.take_while(|line| line.starts_with('|')).map(str::to_owned).collect()
    };
    let readme: Vec<_> = table("README.md").iter().map(|row| row.replace("docs/guides/", "../guides/")).collect();
    assert!(readme.len() > 5, "{readme:?}");
    assert_eq!(readme, table("docs/reference/targets.md"));
}

#[test]
fn blocks_are_found_with_what_stands_before_them() {
    let text =
        "<!-- first: true -->\n```sh\na\n```\ntext\n<!-- exit: 3 -->\n```console\n$ b \"x\n  y\"\nsaid\n$ c\n```\n";
    let found = blocks(text);
    assert_eq!((found[0].first.as_slice(), found[0].exit, found[0].line), (&["true".to_owned()][..], 0, 2));
    assert_eq!((commands(&found[1].text).as_str(), found[1].exit), ("b \"x\n  y\"\nc\n", 3));
}
