//! A new configuration file: every key with its meaning, commented out.

use super::keys::{GAMES, Key, OF_A_GAME, SECTIONS};

/// Returns the text of the file. What holds without a key stands behind its meaning.
pub fn text() -> String {
    let mut parts = vec![
        "# Configuration of watchcap. What is behind a # does not count: take it away from a key to set it.\n\
         # `watchcap config show --origin` says what holds, and from where; `watchcap config check` what is wrong.\n"
            .to_owned(),
    ];
    for (section, keys) in SECTIONS {
        parts.push(format!("\n[{section}]\n"));
        parts.extend(keys.iter().map(line));
    }
    parts.push(format!(
        "\n# For the windows of one game, over what stands above. It is chosen by the window that is recorded, or that is open.\n# [{GAMES}.doom]\n"
    ));
    parts.extend(OF_A_GAME.iter().map(line));
    parts.push("# record.fps = 60\n# privacy.profile = \"shooter\"\n".to_owned());
    parts.concat()
}

fn line(key: &Key) -> String {
    format!("# {} [default: {}]\n# {} = {}\n", key.about(), key.default, key.name, key.example)
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn the_new_file_changes_nothing_and_is_good_when_every_key_counts() {
        assert_eq!(Config::parse(&text()), Ok(Config::default()));
        // Without the # of keys, which every line with an equals sign behind it is.
        let is_key = |line: &str| {
            line.starts_with("# [")
                || line.split(" = ").next().is_some_and(|name| {
                    line.contains(" = ")
                        && name.trim_start_matches("# ").chars().all(|c| c.is_ascii_lowercase() || "_.".contains(c))
                })
        };
        let with_keys: Vec<&str> = text()
            .lines()
            .map(|line| if is_key(line) { line.trim_start_matches("# ") } else { line })
            .map(str::to_owned)
            .map(|line| &*line.leak())
            .collect();
        let config = Config::parse(&with_keys.join("\n")).expect("a good file");
        assert_eq!((config.record.fps, config.games["doom"].record.fps), (Some(30), Some(60)));
        assert_eq!(config.record.encoder.as_deref(), Some("auto"));
        assert!(config.hotkeys.withdraw.is_some() && config.games["doom"].game.is_some());
    }
}
