//! The file of a black box: made whole under a name of its own, locked, and then given its name.
//!
//! A name is given by a link that fails where the name is taken. So whoever finds a box under its
//! name finds it whole and locked by its process; one that is not locked is that of a process that
//! has ended. Nothing is ever opened by its name to be written to, so that no link that somebody has
//! put there can lead elsewhere.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use taskscope_format::black_box::layout::live;
use taskscope_format::black_box::{Header, Layout, VERSION};

use super::area::BlockArea;
use super::map::Mapping;
use super::set_aside::{self, Found};
use super::{BlackBoxConfig, NewBox};
use crate::Error;
use crate::output::file::{OutputFile, numbered, with_process};
use crate::stderr::warn;

/// Makes the file of a black box, with nothing in it.
///
pub(crate) fn create(
    config: &BlackBoxConfig,
    bytes: u64,
    new: &NewBox<'_>,
) -> Result<(OutputFile, BlockArea), Error> {
    let NewBox { program, started_unix_ns, stretch, recorder_since_ns } = *new;
    let named = with_process(config.path.clone());
    let path = if stretch > 1 { numbered(&named, stretch) } else { named };
    let target = OutputFile::claim(path)?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let header = Header {
        version: VERSION,
        process: std::process::id(),
        started_unix_ns,
        nonce: RandomState::new().hash_one(started_unix_ns),
        program: program.to_owned(),
        layout: Layout::new(bytes, processors),
    };
    let failed = |source| Error::BlackBox { path: target.path.clone(), source };
    let nameless = Nameless::create(&target.path).map_err(failed)?;
    let file = nameless.file.try_clone().map_err(failed)?;
    let mapping = Mapping::new(file, header.layout.bytes(), header.layout.blocks.start);
    let mapping = Arc::new(mapping.map_err(failed)?);
    mapping.write(0, &header.to_bytes());
    mapping.word(live::STATE).store(live::RUNNING, Ordering::Release);
    let target = give_name(nameless, target)?;
    set_aside::prune(&config.path, &target.path, program, recorder_since_ns, config.keep_old);
    Ok((target, BlockArea::new(mapping, header.layout, header.nonce)))
}

/// So many files that were given no name are passed over.
const MOST_LEFT: u32 = 100_000;

/// A file without its name yet. It is removed unless it is given a name.
struct Nameless {
    path: PathBuf,
    file: File,
}

impl Nameless {
    fn create(beside: &Path) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = beside.file_name().unwrap_or_default().to_string_lossy();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        options.custom_flags(libc::O_NOFOLLOW);
        // In a container each process may have the same number, and one that died may have left
        // such a file.
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!(".{name}.{}-{number}{}", std::process::id(), set_aside::NEW);
            let path = beside.with_file_name(name);
            match options.open(&path) {
                Ok(file) => {
                    let nameless = Self { path, file };
                    nameless.file.try_lock().map_err(io::Error::from)?;
                    return Ok(nameless);
                }
                Err(error)
                    if error.kind() == io::ErrorKind::AlreadyExists && number < MOST_LEFT => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// `AlreadyExists` where the name is taken.
    fn name(&self, path: &Path) -> io::Result<()> {
        match std::fs::hard_link(&self.path, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                // A file system without links. The name is taken by an empty file first, which
                // fails where there is one, and that is ours to replace.
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
                std::fs::rename(&self.path, path).inspect_err(|_| {
                    drop(std::fs::remove_file(path));
                })
            }
            result => result,
        }
    }
}

impl Drop for Nameless {
    fn drop(&mut self) {
        // Gone already where it was renamed.
        drop(std::fs::remove_file(&self.path));
    }
}

fn give_name(nameless: Nameless, target: OutputFile) -> Result<OutputFile, Error> {
    let wanted = target.path.clone();
    let mut target = target;
    let mut others = 0;
    loop {
        let failed = |source| Error::BlackBox { path: target.path.clone(), source };
        match nameless.name(&target.path) {
            Ok(()) => return Ok(target),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        match set_aside::set_aside(&target.path).map_err(failed)? {
            Found::SetAside => {}
            Found::Alive if others < 1_000 => {
                others += 1;
                let beside = beside(&wanted, others);
                if others == 1 {
                    warn(&format_args!(
                        "another process has its black box in {}; that of this one is {} (write %p \
                         into the name: it stands for the number of the process)",
                        wanted.display(),
                        beside.display(),
                    ));
                }
                drop(target);
                target = OutputFile::claim(beside)?;
            }
            Found::Alive => return Err(failed(io::ErrorKind::AlreadyExists.into())),
        }
    }
}

/// `app.tscope` and process 4711 make `app-4711.tscope`, and if that is taken `app-4711-2.tscope`.
fn beside(path: &Path, tries: u32) -> PathBuf {
    let of_process = numbered(path, std::process::id());
    if tries == 1 { of_process } else { numbered(&of_process, tries) }
}
