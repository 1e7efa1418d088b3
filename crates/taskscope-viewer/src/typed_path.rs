//! A path as people type or paste it.

use std::path::{Path, PathBuf};

/// The path that a person means by `text`.
///
/// Blanks and quotes around it are dropped, as a terminal or a file manager puts them there.
/// `~` stands for the home directory, and a `file://` URL for the path in it.
pub(crate) fn parse(text: &str, home: Option<&Path>) -> PathBuf {
    let text = text.trim();
    let text = ['"', '\'']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text);
    if let Some(url) = text.strip_prefix("file://") {
        // Between the slashes stands the machine: nothing, or this one.
        let path = url.strip_prefix("localhost").unwrap_or(url);
        return decoded(path);
    }
    match (text.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home.to_owned(),
        (Some(rest), Some(home)) if rest.starts_with(['/', '\\']) => home.join(&rest[1..]),
        _ => PathBuf::from(text),
    }
}

/// The home directory, if there is one.
pub(crate) fn home() -> Option<PathBuf> {
    directories::UserDirs::new().map(|dirs| dirs.home_dir().to_owned())
}

/// A URL's path with `%20` and its like as what they stand for.
fn decoded(path: &str) -> PathBuf {
    let bytes = path.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = path.get(at + 1..at + 3).filter(|_| byte == b'%');
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(code) => {
                plain.push(code);
                at += 3;
            }
            None => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    PathBuf::from(String::from_utf8_lossy(&plain).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_people_write_them() {
        let home = Path::new("/home/me");
        for (typed, meant) in [
            ("a.tscope", "a.tscope"),
            ("  /tmp/a b.tscope\n", "/tmp/a b.tscope"),
            ("~/a.tscope", "/home/me/a.tscope"),
            ("~", "/home/me"),
            ("~other/a.tscope", "~other/a.tscope"),
            ("'/tmp/a b.tscope'", "/tmp/a b.tscope"),
            ("\"~/a.tscope\"", "/home/me/a.tscope"),
            ("file:///tmp/a%20b.tscope", "/tmp/a b.tscope"),
            ("file://localhost/tmp/%C3%A4.tscope", "/tmp/ä.tscope"),
            ("file:///tmp/100%", "/tmp/100%"),
            ("file:///tmp/%zz%ä", "/tmp/%zz%ä"),
            ("'", "'"),
            ("it's.tscope", "it's.tscope"),
        ] {
            assert_eq!(parse(typed, Some(home)), Path::new(meant), "{typed}");
        }
        assert_eq!(parse("~/a", None), Path::new("~/a"));
    }
}
