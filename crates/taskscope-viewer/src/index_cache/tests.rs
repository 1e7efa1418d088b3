use std::fs::OpenOptions;

use taskscope_model::Loader;

use super::*;
use crate::tests::jobs::file_of_many_tasks;

/// A file and its trace, and a cache that also keeps what is read at once.
struct Place {
    folder: tempfile::TempDir,
    file: PathBuf,
    trace: Arc<Trace>,
    cache: IndexCache,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("some.tscope");
        fs::write(&file, file_of_many_tasks(3_000)).unwrap();
        let trace = Arc::new(load(&file));
        let cache = IndexCache::new(folder.path().join("cache"));
        let cache = IndexCache { slow: Duration::ZERO, ..cache };
        Self { folder, file, trace, cache }
    }

    /// With an index of the file.
    fn with_index() -> Self {
        let place = Self::new();
        assert!(place.cache.keep_now(&place.file, &place.trace));
        place
    }

    fn kept(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.cache.folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    fn is_found(&self) -> bool {
        self.cache.find(&self.file).is_some_and(|found| found.summary() == self.trace.summary())
    }
}

fn load(file: &Path) -> Trace {
    let mut loader = Loader::new(Arc::new(File::open(file).unwrap())).unwrap();
    while !loader.step().unwrap().is_done {}
    loader.finish()
}

#[test]
fn what_was_read_is_found_again() {
    let place = Place::new();
    assert!(place.cache.find(&place.file).is_none());
    let begun = place.cache.begin(&place.file).unwrap();
    place.cache.keep(begun, place.trace.clone());
    place.cache.writers.wait();
    assert!(place.is_found());
    assert_eq!(place.kept().len(), 1, "nothing else is left");
    let another_way = place.folder.path().join("cache/../some.tscope");
    assert!(place.cache.find(&another_way).is_some());
}

#[test]
fn what_is_read_soon_has_no_index() {
    let place = Place::new();
    let cache = IndexCache { slow: Duration::from_secs(3_600), ..place.cache.clone() };
    cache.keep(cache.begin(&place.file).unwrap(), place.trace.clone());
    cache.writers.wait();
    assert_eq!(place.kept().len(), 0);
}

#[test]
fn a_file_that_has_changed_is_read_anew() {
    let append = |file: &Path| {
        OpenOptions::new().append(true).open(file).unwrap().write_all(b"more").unwrap();
    };
    let replace = |file: &Path| {
        let other = file.with_extension("other");
        let mut bytes = fs::read(file).unwrap();
        bytes[100] ^= 1;
        fs::write(&other, bytes).unwrap();
        fs::rename(other, file).unwrap();
    };
    let touch = |file: &Path| {
        let time = SystemTime::now() + Duration::from_secs(5);
        OpenOptions::new().append(true).open(file).unwrap().set_modified(time).unwrap();
    };
    let cut = |file: &Path| {
        let length = fs::metadata(file).unwrap().len();
        OpenOptions::new().append(true).open(file).unwrap().set_len(length - 1).unwrap();
    };
    let remove = |file: &Path| fs::remove_file(file).unwrap();
    for change in [&append as &dyn Fn(&Path), &replace, &touch, &cut, &remove] {
        let place = Place::with_index();
        change(&place.file);
        assert!(!place.is_found());
    }
}

/// As long as before, and written at the same time as far as anyone can set it.
#[test]
fn other_bytes_are_seen_even_if_all_times_are_the_same() {
    let place = Place::with_index();
    let mut bytes = fs::read(&place.file).unwrap();
    // The end of a tag is what the bytes say, and no time.
    let sums = |bytes: &[u8]| {
        let tag = Stat::of(&place.file).unwrap().tag().unwrap();
        tag[tag.len() - 4 * bytes.len().div_ceil(PIECE as usize)..].to_vec()
    };
    let before = sums(&bytes);
    assert_eq!(before, sums(&bytes));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&place.file, &bytes).unwrap();
    let after = Stat::of(&place.file).unwrap().tag().unwrap();
    assert!(!after.ends_with(&before));
    assert!(!place.is_found());
    assert_eq!(place.kept().len(), 0, "it is of no use any more");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_not_kept() {
    let place = Place::new();
    let begun = place.cache.begin(&place.file).unwrap();
    OpenOptions::new().append(true).open(&place.file).unwrap().write_all(b"more").unwrap();
    place.cache.keep(begun, place.trace.clone());
    place.cache.writers.wait();
    assert_eq!(place.kept().len(), 0);
}

#[test]
fn a_damaged_index_is_removed() {
    let place = Place::with_index();
    let index = &place.kept()[0];
    let mut bytes = fs::read(index).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(index, bytes).unwrap();
    assert!(place.cache.find(&place.file).is_none());
    assert_eq!(place.kept().len(), 0);
}

#[test]
fn several_may_write_at_once() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // (Windows does not replace a file that another is reading.)
                let is_kept = place.cache.keep_now(&place.file, &place.trace);
                assert!(is_kept || cfg!(windows));
                assert!(place.is_found());
            });
        }
    });
    assert_eq!(place.kept().len(), 1);
}

#[test]
fn what_is_stopped_leaves_nothing() {
    let place = Place::new();
    let stat = Stat::of(&place.file).unwrap();
    place.cache.write(&stat, &place.trace, &AtomicBool::new(true)).unwrap_err();
    assert_eq!(place.kept().len(), 0);
    // Nor does what comes once the window is closed.
    place.cache.close();
    place.cache.keep(place.cache.begin(&place.file).unwrap(), place.trace.clone());
    place.cache.writers.wait();
    assert_eq!(place.kept().len(), 0);
    // To stop reading one is not to find it broken.
    let place = Place::with_index();
    assert!(place.cache.find_unless(&place.file, || true).is_none());
    assert!(place.is_found());
}

#[test]
fn where_nothing_can_be_written_there_is_no_index() {
    let place = Place::new();
    // Not even root can make a directory of a file.
    let cache = IndexCache::new(place.file.join("cache"));
    assert!(!cache.keep_now(&place.file, &place.trace));
    assert!(cache.find(&place.file).is_none());
}

#[test]
fn those_that_were_used_last_are_kept() {
    let place = Place::new();
    let files = (0..MOST + 2).map(|number| {
        let file = place.folder.path().join(format!("{number}.tscope"));
        fs::copy(&place.file, &file).unwrap();
        assert!(place.cache.keep_now(&file, &place.trace));
        // As if time had passed.
        let at = place.cache.place(&Stat::of(&file).unwrap());
        let time = SystemTime::now() - Duration::from_secs(1_000 - number as u64);
        OpenOptions::new().append(true).open(at).unwrap().set_modified(time).unwrap();
        // The first is used all the time.
        assert!(place.cache.find(&place.folder.path().join("0.tscope")).is_some());
        file
    });
    let files: Vec<PathBuf> = files.collect();
    let found = files.iter().map(|file| place.cache.find(file).is_some());
    assert_eq!(found.collect::<Vec<_>>(), [true, false, false, true, true]);
}
