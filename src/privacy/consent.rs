//! Consent, per stream: what was agreed to, how and when. Without it a stream is not opened.
//!
//! A pure decision over what the caller gathered (flags, configuration, answers at a prompt); it opens nothing and asks nobody.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::event::Stream;
use crate::base::hotkeys::Chord;
use crate::base::time::UtcNs;
use crate::privacy::fact::{ConsentFact, StudyTextFact};
use crate::privacy::study::StudyText;

/// Version of the text that a person agrees to ([`text`]); goes into the metadata.
pub const TEXT_VERSION: u32 = 7;

/// Columns of the text: what fits into any terminal, so that no line of it breaks inside of a word.
const COLUMNS: usize = 78;

/// The streams that there can be consent for, in the order in which they are asked about.
pub const STREAMS: [Stream; 3] = [Stream::Screen, Stream::Input, Stream::Audio];

/// Why a recording, or a stream of it, ended: consent was taken back.
pub const WITHDRAWN: &str = "consent_withdrawn";

/// What a person is asked to agree to.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What is recorded, in words.
    pub what: &'a str,
    /// Which streams of it.
    pub streams: &'a [Stream],
    /// Where it goes, in words: behind "It is written".
    pub place: &'a str,
    /// When it stops by itself.
    pub duration: Option<Duration>,
    /// The chord that pauses it, where there is one.
    pub pause: Option<Chord>,
    /// What a study says before all of this.
    pub study: Option<&'a StudyText>,
}

/// What a person agrees to, in plain words: what is taken, of what, where it goes, how to pause, stop, take consent back and delete it.
pub fn text(asked: &Asked<'_>) -> String {
    let Asked { what, streams, place, duration, pause, study } = asked;
    let stream = |stream| match stream {
        Stream::Screen => "- the screen: pictures of everything that is shown there",
        Stream::Input => {
            "- the input: every key, button, wheel and mouse movement, what gamepads do, and which window is active with its title"
        }
        _ => "- the sound: everything that is said near the microphone, or that this machine plays, as you chose it",
    };
    let ends = match duration {
        Some(duration) => format!(
            "It stops by itself after {}, and before that when you press Ctrl-C here, or with: watchcap stop.",
            spoken(*duration)
        ),
        None => "It stops when you press Ctrl-C here, or with: watchcap stop. Until you stop it, it goes on.".into(),
    };
    let parts: Vec<_> = streams.iter().filter(|one| **one != Stream::Screen).map(|one| spoken_of(*one)).collect();
    let part = match (streams.len(), parts.as_slice()) {
        (..=1, _) | (_, []) => String::new(),
        (_, parts) => format!(", to all of it or to {} alone,", parts.join(" or ")),
    };
    let silent = if streams.contains(&Stream::Audio) { "" } else { " There is no sound." };
    let pause = pause.map_or_else(String::new, |chord| format!(" {chord}, or with"));
    let mut lines: Vec<String> = study.iter().flat_map(|study| study.lines().chain([String::new()])).collect();
    lines.push(format!("watchcap wants to record {what}:"));
    lines.extend(streams.iter().map(|one| stream(*one).to_owned()));
    lines.extend([
        "Notifications and password managers are masked as far as they can be recognised; anything else that you type or \
         show, passwords too, is in the recording."
            .to_owned(),
        format!(
            "It is written {place}, which only you can open. Nothing is sent anywhere by watchcap.{silent}"
        ),
        format!("You can pause it with{pause}: watchcap pause, and go on with: watchcap resume. {ends}"),
        format!("You can take your consent back at any time{part} with: watchcap consent withdraw"),
        "What was recorded stays there until it is deleted, with: watchcap delete FOLDER".to_owned(),
    ]);
    lines.iter().map(|line| folded(line)).collect::<Vec<_>>().join("\n")
}

/// A stream as people say it.
fn spoken_of(stream: Stream) -> &'static str {
    match stream {
        Stream::Screen => "the screen",
        Stream::Input => "the input",
        _ => "the sound",
    }
}

/// A length of time as people say it.
fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let (number, unit) = match seconds {
        ..120.0 => (seconds, "s"),
        ..7200.0 => (seconds / 60.0, "min"),
        _ => (seconds / 3600.0, "h"),
    };
    format!("{} {unit}", (number * 10.0).round() / 10.0)
}

/// A line broken between words, as far as it can be; what goes on of an item stands under its first word.
fn folded(line: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    let indent = if line.starts_with("- ") { "  " } else { "" };
    for word in line.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > COLUMNS {
            out.push('\n');
            out.push_str(indent);
            column = indent.len();
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

/// What is asked for one stream, below [`text`].
pub fn question(stream: Stream) -> &'static str {
    match stream {
        Stream::Screen => "Record the screen? [y/N]",
        Stream::Input => "Record the input, with every key? [y/N]",
        _ => "Record the sound? [y/N]",
    }
}

/// What an answer at the prompt says: yes or no, in any case; no answer is a no. `None`: neither, so it is asked again.
pub fn answer(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Some(true),
        "" | "n" | "no" => Some(false),
        _ => None,
    }
}

/// How consent was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// `--consent` or its environment variable.
    Flag,
    /// The configuration file.
    Configuration,
    /// Answers at a prompt.
    Prompt,
    /// Nobody is recorded: the built-in synthetic desktop.
    Synthetic,
}

impl Method {
    /// The name in the metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Configuration => "configuration",
            Self::Prompt => "prompt",
            Self::Synthetic => "synthetic",
        }
    }

    /// What the consent is for: the name in the metadata.
    pub fn scope(self) -> &'static str {
        match self {
            Self::Configuration => "every_recording",
            Self::Flag | Self::Prompt | Self::Synthetic => "this_recording",
        }
    }
}

/// Consent as it was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consent {
    /// Streams agreed to.
    pub streams: BTreeSet<Stream>,
    /// How.
    pub method: Method,
    /// When.
    pub at: UtcNs,
    /// The study's own text that was shown.
    pub study_text: Option<StudyTextFact>,
}

/// Why there is no consent.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConsentError {
    /// A stream has no such name.
    #[error("consent names an unknown stream '{name}'")]
    Unknown {
        /// The name.
        name: String,
    },
    /// Nobody agreed.
    #[error("no consent to record the screen")]
    Missing,
}

impl ConsentError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { .. } => Some("streams are screen, input and audio".into()),
            Self::Missing => Some(
                "agree with --consent screen,input, or for every recording with `watchcap consent grant screen,input`"
                    .into(),
            ),
        }
    }
}

/// The streams of a list of names.
///
/// # Errors
/// [`ConsentError::Unknown`] for a name that is none.
pub fn parse(names: &[String]) -> Result<BTreeSet<Stream>, ConsentError> {
    let named = |name: &str| {
        // People say it either way.
        let name = if name == "sound" { Stream::Audio.name() } else { name };
        let stream = STREAMS.into_iter().find(|stream| stream.name() == name);
        stream.ok_or_else(|| ConsentError::Unknown { name: name.chars().take(40).collect() })
    };
    names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).map(named).collect()
}

impl Consent {
    /// Decides over what was given: a flag stands over the configuration. Recording needs at least the screen.
    ///
    /// # Errors
    /// [`ConsentError`] when a name is unknown, or the screen is not among the streams.
    pub fn decide(flag: &[String], configuration: &[String], at: UtcNs) -> Result<Self, ConsentError> {
        let (names, method) =
            if flag.is_empty() { (configuration, Method::Configuration) } else { (flag, Method::Flag) };
        Self::to(parse(names)?, method, at)
    }

    /// Consent to some streams, given otherwise.
    ///
    /// # Errors
    /// [`ConsentError::Missing`] when the screen is not among them.
    pub fn to(streams: BTreeSet<Stream>, method: Method, at: UtcNs) -> Result<Self, ConsentError> {
        let consent = Self { streams, method, at, study_text: None };
        if consent.covers(Stream::Screen) { Ok(consent) } else { Err(ConsentError::Missing) }
    }

    /// The same without a stream, of which nothing is recorded.
    #[must_use]
    pub fn without(mut self, stream: Stream) -> Self {
        self.streams.remove(&stream);
        self
    }

    /// Whether a stream was agreed to.
    pub fn covers(&self, stream: Stream) -> bool {
        self.streams.contains(&stream)
    }

    /// The first record of the log.
    pub fn to_fact(&self) -> ConsentFact {
        ConsentFact {
            record_screen: Some(self.covers(Stream::Screen)),
            record_input: Some(self.covers(Stream::Input)),
            record_audio: Some(self.covers(Stream::Audio)),
            method: Some(self.method.name().to_owned()),
            given_at: Some(self.at.to_rfc3339()),
            // Nobody who gave it otherwise was shown a text by this recording.
            text_version: (self.method == Method::Prompt).then_some(TEXT_VERSION),
            scope: Some(self.method.scope().to_owned()),
            study_text: self.study_text.clone(),
            ..ConsentFact::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.split(',').filter(|n| !n.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn a_flag_stands_over_the_configuration() {
        let consent = Consent::decide(&names("screen"), &names("screen,input"), UtcNs(0)).expect("consent");
        assert!(consent.covers(Stream::Screen) && !consent.covers(Stream::Input));
        assert_eq!((consent.method, consent.method.scope()), (Method::Flag, "this_recording"));
        let consent = Consent::decide(&[], &names("screen,input"), UtcNs(0)).expect("consent");
        assert!(consent.covers(Stream::Input));
        assert_eq!(consent.to_fact().scope.as_deref(), Some("every_recording"));
    }

    #[test]
    fn without_the_screen_there_is_no_consent() {
        assert_eq!(Consent::decide(&[], &[], UtcNs(0)), Err(ConsentError::Missing));
        assert_eq!(Consent::decide(&names("input"), &names("screen"), UtcNs(0)), Err(ConsentError::Missing));
        let unknown = Consent::decide(&names("screen,keys"), &[], UtcNs(0));
        assert_eq!(unknown, Err(ConsentError::Unknown { name: "keys".into() }));
        assert_eq!(Consent::to([Stream::Input].into(), Method::Prompt, UtcNs(0)), Err(ConsentError::Missing));
    }

    #[test]
    fn sound_is_agreed_to_by_its_own_name_alone() {
        let both = Consent::decide(&names("screen,input"), &names("screen,audio"), UtcNs(0)).expect("consent");
        assert_eq!(both.to_fact().record_audio, Some(false), "the flag stands over the configuration");
        for name in ["screen,audio", "screen,sound"] {
            let consent = Consent::decide(&names(name), &[], UtcNs(0)).expect("consent");
            assert_eq!(consent.to_fact().record_audio, Some(true));
            assert_eq!(consent.without(Stream::Audio).to_fact().record_audio, Some(false));
        }
        assert_eq!(Consent::decide(&[], &names("audio"), UtcNs(0)), Err(ConsentError::Missing));
    }

    #[test]
    fn the_text_says_what_is_asked_for_and_breaks_no_word() {
        let asked = Asked {
            what: "the primary monitor",
            streams: &[Stream::Screen, Stream::Input],
            place: "to /a/folder with/a long name that goes on/and on and on/session, a new folder",
            duration: None,
            pause: None,
            study: None,
        };
        let said = text(&asked);
        assert!(said.lines().all(|line| line.chars().count() <= COLUMNS), "{said}");
        let words = |said: &str| said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&said).contains(asked.place), "{said}");
        assert!(words(&said).contains("Until you stop it, it goes on") && words(&said).contains("the input alone"));
        let timed = words(&text(&Asked { duration: Some(Duration::from_mins(5)), ..asked }));
        assert!(timed.contains("stops by itself after 5 min") && !timed.contains("it goes on"), "{timed}");
        let chord = Chord::parse("ctrl+alt+p").expect("a chord");
        let own = StudyText::new(
            Some(format!("{}\n- für drei Jahre", "wir zeichnen auf ".repeat(9))),
            Some("7".into()),
            Some("Kim".into()),
        );
        let own = own.expect("a text");
        let of_study = text(&Asked { pause: Some(chord), study: own.as_ref(), ..asked });
        assert!(
            of_study.starts_with("wir zeichnen auf") && of_study.lines().all(|line| line.chars().count() <= COLUMNS),
            "{of_study}"
        );
        for part in [
            "- für drei Jahre Questions: Kim (version 7 of this text) watchcap wants",
            "ctrl+alt+KeyP",
            "watchcap pause",
            "watchcap delete",
        ] {
            assert!(words(&of_study).contains(part), "'{part}' is not in: {of_study}");
        }
        let input = words(&text(&Asked { streams: &[Stream::Input], ..asked }));
        assert!(input.contains("- the input") && !input.contains("- the screen"), "{input}");
        let sound = words(&text(&Asked { streams: &STREAMS, ..asked }));
        assert!(sound.contains("- the sound") && sound.contains("the input or the sound alone"), "{sound}");
        assert!(!sound.contains("no sound") && input.contains("There is no sound."));
        assert_eq!(
            [5, 119, 120, 5400, 28_800].map(|s| spoken(Duration::from_secs(s))),
            ["5 s", "119 s", "2 min", "90 min", "8 h"]
        );
    }

    #[test]
    fn only_a_yes_is_a_yes_and_nonsense_is_no_answer() {
        for yes in ["y\n", " yes ", "Y", "YES\r\n"] {
            assert_eq!(answer(yes), Some(true), "{yes:?}");
        }
        for no in ["", "\n", "n", "No\n"] {
            assert_eq!(answer(no), Some(false), "{no:?}");
        }
        for neither in ["maybe", "yep", "ja", "y y", "yes, but", "0"] {
            assert_eq!(answer(neither), None, "{neither:?}");
        }
    }
}
