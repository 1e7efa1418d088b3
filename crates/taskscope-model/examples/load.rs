use std::sync::Arc;
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let t = std::time::Instant::now();
    let mut loader =
        taskscope_model::Loader::new(Arc::new(std::fs::File::open(&path).unwrap())).unwrap();
    let mut steps = 0;
    while !loader.step().unwrap().is_done {
        steps += 1;
    }
    let loaded = t.elapsed();
    let trace = loader.snapshot();
    drop(loader);
    let ms = t.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let f = |k: &str| {
        status
            .lines()
            .find(|l| l.starts_with(k))
            .unwrap()
            .split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            * 1024
    };
    println!(
        "steps {steps} load {loaded:?} all {ms:?} polls {} tasks {} wakes {} more? events {} rss {} peak {} per poll {:.1} peak {:.1}",
        trace.poll_count(),
        trace.task_count(),
        trace.wake_count(),
        trace.report().records,
        f("VmRSS"),
        f("VmHWM"),
        f("VmRSS") as f64 / trace.poll_count() as f64,
        f("VmHWM") as f64 / trace.poll_count() as f64
    );
    let t = std::time::Instant::now();
    let s = trace.summary();
    println!(
        "summary {:?} {}",
        t.elapsed(),
        std::env::args().nth(2).map(|_| format!("{s:#?}")).unwrap_or_default()
    );
}
