//! What earlier processes have left.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use taskscope_format::black_box::{self, Utc};

/// How the name of a file ends that has not got its own yet.
pub(super) const NEW: &str = ".new";

/// Such a file is left behind if it is so old: it takes milliseconds to make one.
const LEFT_BEHIND: Duration = Duration::from_secs(60);

/// What stood under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The box of a process that lives.
    Alive,
    /// That of one that has ended, or nothing. The name is free now.
    SetAside,
}

/// Gives the box under this name another one, if its process has ended.
pub(super) fn set_aside(path: &Path) -> io::Result<Found> {
    let Some(mut file) = open(path)? else { return Ok(Found::SetAside) };
    if !lock(&file, 5) {
        return Ok(Found::Alive);
    }
    // No other process moves it while we have its lock, if it is still there.
    if path.symlink_metadata().map(|now| now.ino()).ok() != Some(file.metadata()?.ino()) {
        return Ok(Found::SetAside);
    }
    if file.metadata()?.len() == 0 {
        // Taken by a process that died before it had given the name to its box.
        std::fs::remove_file(path)?;
        return Ok(Found::SetAside);
    }
    let Some(seen) = last_seen(&mut file)? else {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a file is there that is neither a black box nor a trace, and is not replaced",
        ));
    };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let extension = path.extension().map(|name| format!(".{}", name.to_string_lossy()));
    let extension = extension.unwrap_or_default();
    for number in 1..10_000 {
        let number = if number == 1 { String::new() } else { format!("-{number}") };
        let aside = path.with_file_name(format!(
            "{stem}-{}{number}{extension}",
            Utc::from_unix_ns(seen).compact()
        ));
        if aside.symlink_metadata().is_ok() {
            continue;
        }
        match std::fs::hard_link(path, &aside) {
            Ok(()) => std::fs::remove_file(path)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            // A file system without links.
            Err(_) => std::fs::rename(path, &aside)?,
        }
        return Ok(Found::SetAside);
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Opens a file that may be a box, and no link to one; `None` if there is none.
fn open(path: &Path) -> io::Result<Option<File>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) if file.metadata()?.is_file() => Ok(Some(file)),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "something is there that is no file, and is not replaced",
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a symbolic link is there, which is not followed; name the file itself",
        )),
        Err(error) => Err(error),
    }
}

/// Takes the lock of a box whose process has ended. (Who looks at a box has its lock for a moment,
/// too.)
fn lock(file: &File, tries: u32) -> bool {
    (0..tries).any(|tries| {
        if tries > 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
    })
}

/// When its process was last seen alive; `None` where it is neither a box nor a trace.
fn last_seen(file: &mut File) -> io::Result<Option<u64>> {
    let mut head = Vec::new();
    file.take(4096).read_to_end(&mut head)?;
    let modified = file.metadata()?.modified().ok();
    let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = modified.map_or(0, |time| time.as_nanos() as u64);
    if black_box::is_black_box(&head) {
        let seen = black_box::state(&head).map_or(0, |state| state.last_seen_unix_ns);
        return Ok(Some(if seen > 0 { seen } else { modified }));
    }
    Ok(head.starts_with(&taskscope_format::MAGIC).then_some(modified))
}

/// Removes the oldest boxes of earlier processes of `program` that go by the same name as
/// `template`, but for `keep` of them. What cannot be removed stays.
///
/// `own` is the newest box of a recorder that began its first one at `since_ns`. All of these stay.
pub(super) fn prune(template: &Path, own: &Path, program: &str, since_ns: u64, keep: usize) {
    let Some(directory) = own.parent() else { return };
    let Ok(entries) = directory.read_dir() else { return };
    let family = Family::of(template);
    // Locked until they have been removed, so that no other process can give their names away.
    let mut old: Vec<(u64, PathBuf, File)> = Vec::new();
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path == own {
            continue;
        }
        if family.is_new(&name) {
            remove_if_left_behind(&path);
        } else if family.has(&name)
            && let Ok(Some(mut file)) = open(&path)
            && let Ok(Some((header, seen))) = look_at_box(&mut file)
            && header.program == program
            && !(header.process == std::process::id() && header.started_unix_ns >= since_ns)
            && lock(&file, 1)
        {
            old.push((seen, path, file));
        }
    }
    old.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    let removed = old.len().saturating_sub(keep);
    for (_, path, _file) in old.into_iter().take(removed) {
        drop(std::fs::remove_file(path));
    }
}

/// The header of a box, and when its process was last seen alive.
fn look_at_box(file: &mut File) -> io::Result<Option<(black_box::Header, u64)>> {
    let mut head = Vec::new();
    Read::by_ref(file).take(4096).read_to_end(&mut head)?;
    io::Seek::rewind(file)?;
    let Ok(header) = black_box::Header::from_bytes(&head) else { return Ok(None) };
    Ok(last_seen(file)?.map(|seen| (header, seen)))
}

fn remove_if_left_behind(path: &Path) {
    let Ok(Some(file)) = open(path) else { return };
    let age = file.metadata().and_then(|metadata| metadata.modified()).map(|time| time.elapsed());
    if age.is_ok_and(|age| age.is_ok_and(|age| age > LEFT_BEHIND)) && lock(&file, 1) {
        drop(std::fs::remove_file(path));
    }
}

/// The names that boxes of one program have.
struct Family {
    /// Around the number of the process, if that is in the name.
    before: String,
    after: Option<String>,
    extension: String,
}

impl Family {
    fn of(template: &Path) -> Self {
        let stem = template.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let extension = template.extension().map(|name| format!(".{}", name.to_string_lossy()));
        let (before, after) = match stem.split_once("%p") {
            Some((before, after)) => (before.to_owned(), Some(after.to_owned())),
            None => (stem, None),
        };
        Self { before, after, extension: extension.unwrap_or_default() }
    }

    /// Whether a file with this name was set aside, or is that of another process.
    fn has(&self, name: &str) -> bool {
        let Some(rest) = name.strip_prefix(&*self.before) else { return false };
        let Some(rest) = rest.strip_suffix(&*self.extension) else { return false };
        let rest = match &self.after {
            None => rest,
            Some(after) => {
                let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
                if digits.len() == rest.len() {
                    return false;
                }
                let Some(rest) = digits.strip_prefix(&**after) else { return false };
                rest
            }
        };
        // `-4711`, `-20260131T235959Z`, `-2`, one or more of them.
        let is_part = |part: &str| {
            let is_stamp = part.len() == 16 && part.as_bytes()[8] == b'T' && part.ends_with('Z');
            let digits = |c: char| c.is_ascii_digit() || is_stamp && (c == 'T' || c == 'Z');
            !part.is_empty() && part.chars().all(digits)
        };
        rest.is_empty() || rest.strip_prefix('-').is_some_and(|rest| rest.split('-').all(is_part))
    }

    /// Whether a file with this name was to become one of them.
    fn is_new(&self, name: &str) -> bool {
        let name = name.strip_prefix('.').and_then(|name| name.strip_suffix(NEW));
        let name = name.and_then(|name| name.rsplit_once('.'));
        name.is_some_and(|(name, _)| self.has(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_known_by_its_names() {
        let plain = Family::of(Path::new("/var/lib/app.tscope"));
        for name in ["app.tscope", "app-4711.tscope", "app-20260131T235959Z-2.tscope"] {
            assert!(plain.has(name), "{name}");
            assert!(plain.is_new(&format!(".{name}.4711-0.new")), "{name}");
        }
        for name in ["app2.tscope", "app-old.tscope", "app-.tscope", "app-2.txt", "b-app.tscope"] {
            assert!(!plain.has(name), "{name}");
        }
        let numbered = Family::of(Path::new("app-%p.tscope"));
        for name in ["app-1.tscope", "app-4711-20260131T235959Z.tscope"] {
            assert!(numbered.has(name), "{name}");
        }
        for name in ["app.tscope", "app-x.tscope", "app-1.5.tscope", ".app-1.tscope"] {
            assert!(!numbered.has(name), "{name}");
        }
    }
}
