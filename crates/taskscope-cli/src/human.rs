//! Figures as people read them in a terminal. Times and counts are those of the window.

pub(crate) use taskscope_viewer::time::{count, exact, plural as counted};

/// A time as the window shows it, too: `3 ns`, `12.5 µs`, `1.20 s`.
pub(crate) fn time(nanos: u64) -> String {
    taskscope_viewer::time::duration(nanos as f64)
}

/// Two times that differ, with so many digits that one sees how.
pub(crate) fn distinct_times(nanos: [u64; 2]) -> [String; 2] {
    let [first, second] = nanos.map(time);
    if first == second { nanos.map(exact) } else { [first, second] }
}

/// A size in bytes: `512 bytes`, `1.4 kB`.
pub(crate) fn bytes(number: u64) -> String {
    match number {
        0..1_000 => counted(number, "byte"),
        1_000..1_000_000 => format!("{:.1} kB", number as f64 / 1e3),
        _ => format!("{:.1} MB", number as f64 / 1e6),
    }
}

/// The first few of some things, and how many more there are.
pub(crate) fn some_of(things: &[String]) -> String {
    const SHOWN: usize = 8;
    match things {
        [] => "none".to_owned(),
        _ if things.len() <= SHOWN => things.join(", "),
        _ => {
            let (shown, rest) = things.split_at(SHOWN);
            format!("{} and {} more", shown.join(", "), count(rest.len() as u64))
        }
    }
}

/// Rows of cells with each column as wide as its widest cell; `right` says which
/// columns are numbers and stand to the right.
pub(crate) fn table(rows: &[Vec<String>], right: &[bool]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..right.len()).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for ((cell, &width), &right) in row.iter().zip(&widths).zip(right) {
            line.push_str("  ");
            line.push_str(&if right {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["µs", "1"], ["x", "100"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows, &[false, true]), "  µs    1\n  x   100\n");
    }

    #[test]
    fn times_that_differ_look_different() {
        assert_eq!(distinct_times([1_200_000, 5]), ["1.20 ms", "5 ns"]);
        let close = distinct_times([107_812_345, 107_812_400]);
        assert_eq!(close, ["0.107 812 345 s", "0.107 812 400 s"]);
    }

    #[test]
    fn long_lists_are_cut() {
        let many: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        assert_eq!(some_of(&many), "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
        assert_eq!(some_of(&[]), "none");
    }
}
