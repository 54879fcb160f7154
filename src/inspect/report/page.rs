//! The frames of the pages: a template, its program, its style, and the policy that lets nothing else run and nothing out.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::arrays;

/// What every page begins with, down to its body.
const HEAD: &str = include_str!("../../../assets/report/head.html");
const SESSION: &str = include_str!("../../../assets/report/page.html");
const SESSION_CSS: &str = include_str!("../../../assets/report/page.css");
const SESSION_JS: &str = include_str!("../../../assets/report/page.js");
const OVERVIEW: &str = include_str!("../../../assets/report/overview.html");
const OVERVIEW_CSS: &str = include_str!("../../../assets/report/overview.css");
const OVERVIEW_JS: &str = include_str!("../../../assets/report/overview.js");
const UPLOT_JS: &str = include_str!("../../../assets/report/uPlot.iife.min.js");
const UPLOT_CSS: &str = include_str!("../../../assets/report/uPlot.min.css");
const UPLOT_LICENCE: &str = include_str!("../../../assets/report/uPlot.LICENSE");

/// What every page begins with: a file that does not is none of ours and is not replaced.
pub(super) const BEGIN: &str = "<!doctype html>\n<!-- watchcap report -->\n";

/// The page of a session; `video` is its video in base64, or empty.
pub(super) fn session(title: &str, data: &Value, video: &str) -> String {
    let parts = [
        ("policy", policy(&[UPLOT_JS, SESSION_JS])),
        ("title", escaped(title)),
        ("css", [UPLOT_CSS, SESSION_CSS].join("\n")),
        ("uplot_licence", escaped(UPLOT_LICENCE)),
        ("data", in_script(data)),
        ("video", video.to_owned()),
        ("uplot", UPLOT_JS.to_owned()),
        ("script", SESSION_JS.to_owned()),
    ];
    filled(&[HEAD, SESSION].concat(), &parts)
}

/// The page over many sessions.
pub(super) fn overview(title: &str, data: &Value) -> String {
    let parts = [
        ("policy", policy(&[OVERVIEW_JS])),
        ("title", escaped(title)),
        ("css", [SESSION_CSS, OVERVIEW_CSS].join("\n")),
        ("data", in_script(data)),
        ("script", OVERVIEW_JS.to_owned()),
    ];
    filled(&[HEAD, OVERVIEW].concat(), &parts)
}

/// Only these programs run, nothing is fetched, and nothing can be sent anywhere.
fn policy(scripts: &[&str]) -> String {
    let hashes: Vec<String> =
        scripts.iter().map(|script| format!("'sha256-{}'", arrays::text(&Sha256::digest(script.as_bytes())))).collect();
    format!(
        "default-src 'none'; script-src {}; style-src 'unsafe-inline'; media-src blob: file: 'self'; img-src data:; form-action 'none'; \
         base-uri 'none'",
        hashes.join(" ")
    )
}

/// Puts the parts into a template, in one pass: what a part says is never taken for a place.
fn filled(template: &str, parts: &[(&str, String)]) -> String {
    let mut page = String::with_capacity(template.len() + parts.iter().map(|(_, text)| text.len()).sum::<usize>());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let place = rest[open + 1..].find('}').map(|close| (&rest[open + 1..open + 1 + close], open + close + 2));
        if let Some(((_, text), after)) =
            place.and_then(|(name, after)| Some((parts.iter().find(|(part, _)| *part == name)?, after)))
        {
            page.push_str(&rest[..open]);
            page.push_str(text);
            rest = &rest[after..];
        } else {
            page.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
        }
    }
    page.push_str(rest);
    page
}

/// Text between tags.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// JSON inside a script element: no text in it can end that element.
fn in_script(data: &Value) -> String {
    data.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_text_gets_out_of_its_place() {
        let page =
            session("</title><script>{data}", &json!({ "a": "</script><script>alert(1)</script>{video}" }), "VIDEO");
        assert!(page.starts_with(BEGIN), "{}", &page[..80]);
        assert!(page.contains("<title>&lt;/title&gt;&lt;script&gt;{data}</title>"));
        assert!(page.contains(r#"{"a":"\u003c/script>\u003cscript>alert(1)\u003c/script>{video}"}"#));
        // Two programs, the data and the video: no more.
        assert_eq!(page.matches("<script").count(), 4);
        assert_eq!(page.matches("VIDEO").count(), 1);
        let unfilled =
            ["{policy}", "{title}", "{css}", "{uplot}", "{script}"].iter().find(|place| page.contains(**place));
        assert_eq!(unfilled, None);
    }
}
