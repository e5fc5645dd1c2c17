//! Prometheus's text format, written by hand: it is a dozen lines.
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::{Display, Write as _};

/// The content type of the format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What kind of metric a family has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only rises, until the process starts anew.
    Counter,
    /// Rises and falls.
    Gauge,
    /// How many observations fell below each bound.
    Histogram,
}

/// A page of metrics that is being written. Families come one after another, each with all of its samples.
#[derive(Debug, Default)]
pub struct Exposition {
    text: String,
}

impl Exposition {
    /// Opens a family; its samples follow.
    pub fn family(&mut self, name: &str, kind: MetricKind, help: &str) {
        let kind = match kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        };
        // Writing to a string can't fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A sample of the family that is open.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(name);
        self.labels(labels, None);
        // Writing to a string can't fail.
        let _ = writeln!(self.text, " {value}");
    }

    /// A family of one sample without labels.
    pub fn single(&mut self, name: &str, kind: MetricKind, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// A histogram of the family that is open. `counts` has one more than `bounds`: what is beyond the last.
    pub fn histogram(&mut self, name: &str, labels: &[(&str, &str)], bounds: &[f64], counts: &[u64], sum: f64) {
        let mut total = 0;
        for (index, count) in counts.iter().enumerate() {
            total += count;
            let bound = bounds.get(index).map_or_else(|| "+Inf".to_owned(), ToString::to_string);
            self.text.push_str(name);
            self.text.push_str("_bucket");
            self.labels(labels, Some(&bound));
            // Writing to a string can't fail.
            let _ = writeln!(self.text, " {total}");
        }
        for (ending, value) in [("_sum", sum.to_string()), ("_count", total.to_string())] {
            self.text.push_str(name);
            self.text.push_str(ending);
            self.labels(labels, None);
            // Writing to a string can't fail.
            let _ = writeln!(self.text, " {value}");
        }
    }

    /// The page.
    pub fn into_text(self) -> String {
        self.text
    }

    fn labels(&mut self, labels: &[(&str, &str)], bound: Option<&str>) {
        let all = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
        let mut opening = '{';
        for (name, value) in all {
            self.text.push(opening);
            opening = ',';
            self.text.push_str(name);
            self.text.push_str("=\"");
            for character in value.chars() {
                match character {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    other => self.text.push(other),
                }
            }
            self.text.push('"');
        }
        if opening == ',' {
            self.text.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Exposition, MetricKind};

    #[test]
    fn the_format_is_prometheus_own() {
        let mut page = Exposition::default();
        page.single("up", MetricKind::Gauge, "Whether it is.", 1);
        page.family("took", MetricKind::Histogram, "How long.");
        page.histogram("took", &[("of", "a\"b\\\n")], &[0.5, 1.0], &[1, 0, 2], 7.5);
        let wanted = "# HELP up Whether it is.\n# TYPE up gauge\nup 1\n# HELP took How long.\n# TYPE took histogram\n\
            took_bucket{of=\"a\\\"b\\\\\\n\",le=\"0.5\"} 1\ntook_bucket{of=\"a\\\"b\\\\\\n\",le=\"1\"} 1\n\
            took_bucket{of=\"a\\\"b\\\\\\n\",le=\"+Inf\"} 3\ntook_sum{of=\"a\\\"b\\\\\\n\"} 7.5\ntook_count{of=\"a\\\"b\\\\\\n\"} 3\n";
        assert_eq!(page.into_text(), wanted);
    }
}
