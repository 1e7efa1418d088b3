fn main() {
    let path = std::env::args().nth(1).unwrap();
    let f = std::fs::read(path).unwrap();
    let mut m = std::collections::BTreeMap::new();
    let t = std::time::Instant::now();
    for r in taskscope_format::Reader::new(&f).unwrap() {
        let s = format!("{:?}", r.event);
        let k = s.split([' ', '(', '{']).next().unwrap().to_owned();
        *m.entry(k).or_insert(0u64) += 1;
    }
    println!("{m:?} {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let n = taskscope_format::Reader::new(&f).unwrap().count();
    println!("{n} {:?}", t.elapsed());
}
