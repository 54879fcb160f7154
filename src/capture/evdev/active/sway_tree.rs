//! What sway's texts say: its tree of windows, its events, and whether it agrees.

use std::io;

use serde::Deserialize;

use super::desk::Active;

/// A node of the tree: an output, a workspace, a container or a window. A window has a process.
#[derive(Deserialize)]
struct Node {
    id: i64,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    app_id: Option<String>,
    #[serde(default)]
    pid: Option<i64>,
    #[serde(default)]
    focused: bool,
    #[serde(default)]
    foreign_toplevel_identifier: Option<String>,
    #[serde(default)]
    window_properties: Option<XProperties>,
    #[serde(default)]
    nodes: Vec<Node>,
    #[serde(default)]
    floating_nodes: Vec<Node>,
}

/// What an X client says of itself.
#[derive(Deserialize, Default)]
struct XProperties {
    #[serde(default)]
    class: Option<String>,
    #[serde(default)]
    instance: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    success: bool,
}

/// An event of a window.
#[derive(Deserialize)]
struct Event {
    change: String,
    container: Node,
}

/// The window that an event says is active, or is called otherwise and active; `None` for every other event.
pub(super) fn focused_by(event: &[u8]) -> Option<Active> {
    let Event { change, container } = serde_json::from_str(&text(event)).ok()?;
    let tells = change == "focus" || (change == "title" && container.focused);
    window(container).filter(|_| tells).map(Active::bounded)
}

/// A text as it is read: titles are what programs say, which need not be UTF-8.
fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Whether a command was taken.
pub(super) fn is_success(answer: &[u8]) -> bool {
    serde_json::from_slice(answer).is_ok_and(|Answer { success }| success)
}

/// The active window of a tree; none where a workspace or an empty container has the focus.
///
/// # Errors
/// When it is no tree.
pub(super) fn active(tree: &[u8]) -> io::Result<Option<Active>> {
    let root: Node = serde_json::from_str(&text(tree))?;
    Ok(focused(root).and_then(window).map(Active::bounded))
}

/// The node that has the focus.
fn focused(root: Node) -> Option<Node> {
    let mut left = vec![root];
    while let Some(mut node) = left.pop() {
        if node.focused {
            return Some(node);
        }
        left.append(&mut node.nodes);
        left.append(&mut node.floating_nodes);
    }
    None
}

fn window(node: Node) -> Option<Active> {
    node.pid?;
    let XProperties { class, instance } = node.window_properties.unwrap_or_default();
    Some(Active {
        // By which it is recorded alone, where sway tells; else its own number.
        id: node.foreign_toplevel_identifier.unwrap_or_else(|| node.id.to_string()),
        app: node.app_id.or(class).unwrap_or_default(),
        instance: instance.unwrap_or_default(),
        title: node.name.unwrap_or_default(),
        pid: node.pid.and_then(|pid| u32::try_from(pid).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cut down from what sway 1.7 says of a desktop with a Wayland client, an X client that floats, and a second workspace.
    fn tree(focused: i64) -> Vec<u8> {
        let mut tree = serde_json::json!({
            "id": 1, "type": "root", "name": "root", "focused": false, "nodes": [{
                "id": 3, "type": "output", "name": "HEADLESS-1", "focused": false, "nodes": [{
                    "id": 4, "type": "workspace", "name": "1", "focused": false,
                    "nodes": [{ "id": 7, "type": "con", "name": "notes", "app_id": "org.gnome.TextEditor", "pid": 100, "focused": false,
                                "window_properties": null, "nodes": [] }],
                    "floating_nodes": [{ "id": 8, "type": "floating_con", "name": "calc", "app_id": null, "pid": 101, "focused": false,
                                "window_properties": { "class": "XCalc", "instance": "xcalc", "title": "calc" } }]
                }]
            }]
        });
        let workspace = &mut tree["nodes"][0]["nodes"][0];
        match focused {
            4 => workspace["focused"] = true.into(),
            7 => workspace["nodes"][0]["focused"] = true.into(),
            _ => workspace["floating_nodes"][0]["focused"] = true.into(),
        }
        tree.to_string().into_bytes()
    }

    #[test]
    fn windows_of_both_kinds_are_told_and_an_empty_workspace_is_none() {
        let wayland = active(&tree(7)).expect("a tree").expect("a window");
        assert_eq!(
            (wayland.app.as_str(), wayland.title.as_str(), wayland.pid),
            ("org.gnome.TextEditor", "notes", Some(100))
        );
        let known = String::from_utf8(tree(7)).expect("text");
        let known = known.replace("\"pid\":100", "\"foreign_toplevel_identifier\":\"a1b2\",\"pid\":100");
        let identified = active(known.as_bytes()).expect("a tree").expect("a window");
        assert_eq!((wayland.id.as_str(), identified.id.as_str()), ("7", "a1b2"));
        let x = active(&tree(8)).expect("a tree").expect("a window");
        assert_eq!((x.app.as_str(), x.instance.as_str(), x.id.as_str()), ("XCalc", "xcalc", "8"));
        assert_eq!(active(&tree(4)).expect("a tree"), None);
    }

    #[test]
    fn events_tell_of_a_window_that_has_the_focus_or_another_title() {
        let event = |change: &str, focused: bool| {
            let container =
                serde_json::json!({ "id": 7, "name": "vault", "app_id": "foot", "pid": 9, "focused": focused });
            serde_json::json!({ "change": change, "container": container }).to_string()
        };
        let told = |change, focused| focused_by(event(change, focused).as_bytes()).map(|active| active.title);
        assert_eq!((told("focus", true), told("title", true)), (Some("vault".into()), Some("vault".into())));
        assert_eq!((told("title", false), told("close", true)), (None, None));
        assert_eq!(focused_by(br#"{"change":"focus","current":{"id":1}}"#), None, "a workspace");
    }

    #[test]
    fn any_title_is_taken_and_no_tree_is_an_error() {
        let long = String::from_utf8(tree(7)).expect("text").replace("notes", &"ä".repeat(1000));
        assert_eq!(
            active(long.as_bytes()).expect("a tree").expect("a window").title,
            "ä".repeat(1000),
            "for the rules"
        );
        let mut latin = tree(7);
        let at = latin.windows(5).position(|part| part == b"notes").expect("its title");
        latin[at] = 0xe4;
        assert_eq!(active(&latin).expect("a tree").expect("a window").title, "\u{fffd}otes");
        let nobody = String::from_utf8(tree(7)).expect("text").replace("100", "-1");
        assert_eq!(active(nobody.as_bytes()).expect("a tree").expect("a window").pid, None);
        for bad in ["", "[]", "{}", "{\"id\":\"x\"}", &"{\"id\":1,\"nodes\":[".repeat(500)] {
            assert!(active(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(is_success(b"{\"success\": true}") && !is_success(b"{\"success\": false}") && !is_success(b"["));
    }
}
