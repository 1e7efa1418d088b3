//! The file in memory: words that outlive the process.
//!
//! All of it is atomic words and is reached as such, also by the one thread that writes the blocks.
//! So nothing that another process does to the file is a data race here, and the only `unsafe` is
//! to say that the words are there.
//!
//! They are, for as long as the mapping lives: the file has all its blocks from the start, and if it
//! is cut or its disk fails all the same, [`guard`](super::guard) puts ordinary memory in its place.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};

use super::guard::Guard;

const WORD: usize = size_of::<u64>();

/// A file that is mapped, locked by this process, and has all its blocks.
#[derive(Debug)]
pub(crate) struct Mapping {
    map: MmapRaw,
    /// Gone before the mapping is.
    guard: Option<Guard>,
    /// Holds the lock.
    file: File,
}

impl Mapping {
    /// Reserves `bytes` for a new and empty file, and maps it. The first `busy` of them are what
    /// recorded threads write to; their pages are in memory from the start.
    pub(crate) fn new(file: File, bytes: u64, busy: u64) -> io::Result<Self> {
        reserve(&file, bytes)?;
        let length = usize::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let map = MmapOptions::new().len(length).map_raw(&file)?;
        populate(&map, usize::try_from(busy).unwrap_or(length).min(length))?;
        let guard = Guard::new(map.as_mut_ptr(), map.len(), file.as_raw_fd())?;
        Ok(Self { map, guard: Some(guard), file })
    }

    /// Whether the file could not be written to any more, and ordinary memory has taken its place.
    pub(crate) fn is_lost(&self) -> bool {
        self.guard.as_ref().is_some_and(Guard::is_lost)
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// All words.
    fn all(&self) -> &[AtomicU64] {
        #[expect(unsafe_code, reason = "see the module")]
        // SAFETY: the mapping is page-aligned, readable, writable and this long while `self` lives,
        // any bytes are an `AtomicU64`, and nothing here makes a reference to them that is not one.
        unsafe {
            std::slice::from_raw_parts(self.map.as_ptr().cast(), self.map.len() / WORD)
        }
    }

    /// The words of a range of bytes, which begins and ends at a word. None where the file has not
    /// so many.
    pub(crate) fn words(&self, bytes: Range<u64>) -> &[AtomicU64] {
        let range = bytes.start as usize / WORD..bytes.end as usize / WORD;
        self.all().get(range).unwrap_or_default()
    }

    /// The word at an offset in bytes.
    pub(crate) fn word(&self, at: u64) -> &AtomicU64 {
        static NONE: AtomicU64 = AtomicU64::new(0);
        self.all().get(at as usize / WORD).unwrap_or(&NONE)
    }

    /// Writes bytes at an offset that is a multiple of a word. The last word is filled with zeros.
    pub(crate) fn write(&self, at: u64, bytes: &[u8]) {
        let words = self.words(at..at + bytes.len().next_multiple_of(WORD) as u64);
        for (word, piece) in words.iter().zip(bytes.chunks(WORD)) {
            let mut filled = [0; WORD];
            filled[..piece.len()].copy_from_slice(piece);
            word.store(u64::from_le_bytes(filled), Ordering::Relaxed);
        }
    }

    /// The bytes at an offset that is a multiple of a word.
    pub(crate) fn read(&self, at: u64, length: usize) -> Vec<u8> {
        let words = self.words(at..at + length.next_multiple_of(WORD) as u64);
        let mut bytes = Vec::with_capacity(words.len() * WORD);
        for word in words {
            bytes.extend_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.guard = None;
    }
}

/// Gives the file all the blocks that it will ever have, so that no write into the mapping can find
/// the disk full.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    let length = libc::off_t::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge)?;
    // Where the process may not have so large a file, the call raises a signal that ends it.
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    #[expect(unsafe_code, reason = "the standard library knows no limits")]
    // SAFETY: `limit` is a place for one.
    let asked = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit) };
    #[allow(clippy::useless_conversion, reason = "its type differs by system")]
    let most = u64::try_from(limit.rlim_cur).unwrap_or(u64::MAX);
    if asked == 0 && limit.rlim_cur != libc::RLIM_INFINITY && bytes > most {
        return Err(io::Error::from_raw_os_error(libc::EFBIG));
    }
    loop {
        #[expect(unsafe_code, reason = "the standard library cannot reserve blocks")]
        // SAFETY: a call with a descriptor that is open.
        let error = unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, length) };
        match error {
            0 => return Ok(()),
            libc::EINTR => {}
            // A file system that cannot: by writing them.
            libc::EOPNOTSUPP | libc::EINVAL => return fill(file, bytes),
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    fill(file, bytes)
}

fn fill(mut file: &File, bytes: u64) -> io::Result<()> {
    use std::io::Write;

    let zeros = vec![0; 1 << 20];
    let mut left = bytes;
    while left > 0 {
        let piece = left.min(zeros.len() as u64);
        file.write_all(&zeros[..piece as usize])?;
        left -= piece;
    }
    Ok(())
}

/// Has the first pages in memory and writable, so that no recorded thread is the first to touch one.
fn populate(map: &MmapRaw, bytes: usize) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        #[expect(unsafe_code, reason = "the standard library has no mappings")]
        // SAFETY: asks for the pages of a mapping that is there, and changes none.
        let result =
            unsafe { libc::madvise(map.as_mut_ptr().cast(), bytes, libc::MADV_POPULATE_WRITE) };
        if result == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        // Kernels before 5.14 do not know it.
        if error.raw_os_error() != Some(libc::EINVAL) {
            return Err(error);
        }
    }
    #[expect(unsafe_code, reason = "see the module")]
    // SAFETY: as in `Mapping::all`.
    let words: &[AtomicU64] =
        unsafe { std::slice::from_raw_parts(map.as_ptr().cast(), bytes / WORD) };
    words.iter().step_by(512).for_each(|word| word.store(0, Ordering::Relaxed));
    Ok(())
}
