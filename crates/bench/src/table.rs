//! The table that comes out, and its verdicts.

use std::time::Duration;

/// A measured value with its unit.
#[derive(Debug, Clone, Copy)]
pub enum Value {
    /// A time.
    Time(Duration),
    /// Memory, in bytes.
    Bytes(u64),
    /// Calls a second.
    Rate(f64),
    /// Bytes a second.
    Flow(f64),
    /// A part of a whole.
    Share(f64),
    /// It could not take the load.
    Failed,
}

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub enum Aim {
    /// Ours at most this.
    AtMost(Value),
    /// Ours divided by the peer's at most this.
    RatioAtMost(f64),
    /// Ours divided by the peer's at least this.
    RatioAtLeast(f64),
    /// Nothing is promised; the figure is there to be seen.
    None,
}

/// A line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was measured.
    pub figure: String,
    /// Ours.
    pub ours: Value,
    /// The peer's.
    pub peer: Option<Value>,
    /// What it should be.
    pub aim: Aim,
}

impl Value {
    fn number(self) -> f64 {
        match self {
            Self::Time(time) => time.as_secs_f64(),
            Self::Bytes(bytes) => bytes as f64,
            Self::Rate(rate) | Self::Flow(rate) => rate,
            Self::Share(share) => share,
            Self::Failed => f64::NAN,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Time(time) if time < Duration::from_micros(10) => format!("{} ns", time.as_nanos()),
            Self::Time(time) if time < Duration::from_millis(1) => format!("{:.0} us", time.as_secs_f64() * 1e6),
            Self::Time(time) if time < Duration::from_millis(10) => format!("{:.2} ms", time.as_secs_f64() * 1e3),
            Self::Time(time) if time < Duration::from_secs(10) => format!("{:.0} ms", time.as_secs_f64() * 1e3),
            Self::Time(time) => format!("{:.1} s", time.as_secs_f64()),
            Self::Bytes(bytes) => format!("{:.1} MB", bytes as f64 / 1e6),
            Self::Rate(rate) => format!("{rate:.0}/s"),
            Self::Flow(rate) => format!("{:.0} MB/s", rate / 1e6),
            Self::Share(share) => format!("{:.1} %", share * 100.0),
            Self::Failed => "failed".to_owned(),
        }
    }
}

impl Row {
    fn ratio(&self) -> Option<f64> {
        self.peer.map(|peer| self.ours.number() / peer.number()).filter(|ratio| ratio.is_finite())
    }

    /// Whether the aim is reached, if there is one that can be told.
    fn is_reached(&self) -> Option<bool> {
        match self.aim {
            Aim::AtMost(limit) => Some(self.ours.number() <= limit.number()),
            Aim::RatioAtMost(limit) => self.ratio().map(|ratio| ratio <= limit),
            Aim::RatioAtLeast(limit) => self.ratio().map(|ratio| ratio >= limit),
            Aim::None => None,
        }
    }

    fn cells(&self) -> [String; 6] {
        let nothing = || "-".to_owned();
        let ratio = self.ratio().map_or_else(nothing, |ratio| match ratio {
            ratio if ratio >= 10.0 => format!("{ratio:.0}"),
            ratio if ratio >= 0.1 => format!("{ratio:.2}"),
            ratio => format!("{ratio:.4}"),
        });
        let aim = match self.aim {
            Aim::AtMost(limit) => format!("at most {}", limit.text()),
            Aim::RatioAtMost(limit) => format!("ratio at most {limit}"),
            Aim::RatioAtLeast(limit) => format!("ratio at least {limit}"),
            Aim::None => nothing(),
        };
        let verdict = match self.is_reached() {
            Some(true) => "reached".to_owned(),
            Some(false) => "NOT reached".to_owned(),
            None => nothing(),
        };
        [self.figure.clone(), self.ours.text(), self.peer.map_or_else(nothing, Value::text), ratio, aim, verdict]
    }
}

/// The table as text.
pub fn render(rows: &[Row]) -> String {
    let head = ["figure", "ours", "peer", "ours/peer", "aim", "verdict"].map(str::to_owned);
    let lines: Vec<[String; 6]> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            1..=3 => format!("{cell:>width$}"),
            _ => format!("{cell:<width$}"),
        });
        let cells: Vec<String> = cells.collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Aim, Row, Value, render};

    #[test]
    fn verdicts() {
        let time = |millis| Value::Time(Duration::from_millis(millis));
        let row = |figure: &str, ours, peer, aim| Row { figure: figure.to_owned(), ours, peer, aim };
        let rows = [
            row("start", time(42), Some(time(4200)), Aim::AtMost(time(100))),
            row("calls", Value::Rate(4000.0), Some(Value::Rate(100.0)), Aim::RatioAtLeast(50.0)),
            row("boot", time(3000), Some(time(2900)), Aim::RatioAtMost(1.15)),
            row("memory", Value::Bytes(12_300_000), None, Aim::None),
        ];
        let golden = "\
figure     ours     peer  ours/peer  aim                verdict
start     42 ms  4200 ms     0.0100  at most 100 ms     reached
calls    4000/s    100/s         40  ratio at least 50  NOT reached
boot    3000 ms  2900 ms       1.03  ratio at most 1.15  reached
memory  12.3 MB        -          -  -                  -
";
        let squeeze = |text: &str| {
            let line = |line: &str| line.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
            text.lines().map(line).collect::<Vec<_>>()
        };
        assert_eq!(squeeze(&render(&rows)), squeeze(golden));
    }
}
