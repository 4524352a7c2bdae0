//! What a failed test prints, after the unwinding and from the test's own thread, so that libtest and nextest capture it.

mod expected;
mod lane;

pub(crate) use lane::LaneReport;

use crate::assertions::Broken;
use crate::text;
use std::time::Duration;

/// All the text is made of.
pub(crate) struct Report<'a> {
    pub elapsed: Duration,
    /// `shop::orders`.
    pub binary_id: &'a str,
    /// `refunds::refund_twice`.
    pub test: &'a str,
    pub failure: &'a str,
    pub location: Option<&'a str>,
    pub lanes: &'a [LaneReport],
    /// The connection that the run is for, if it is for one.
    pub run_connection: Option<&'a str>,
}

/// Lines of a failure's text; longer ones are cut, for libtest prints the whole anyway.
const FAILURE_LINES_MAX: usize = 16;
const LABEL_WIDTH: usize = 11;

/// The report, without a final newline.
pub(crate) fn text(report: &Report<'_>) -> String {
    let seconds = report.elapsed.as_secs_f64();
    let name = format!("FAIL [{seconds:.3}s] {} {}", report.binary_id, report.test);
    let mut lines = Vec::new();
    match report.lanes {
        [lane] => lines.push(format!("{name}   {}", lane.about())),
        _ => lines.push(name),
    }
    lines.extend(failure(report).into_iter().map(|line| format!("  {line}")));
    for lane in report.lanes {
        if report.lanes.len() > 1 {
            lines.push(format!("  {}: {}", lane.connection, lane.about()));
        }
        lines.extend(lane.lines(report.failure).into_iter().map(|line| format!("  {line}")));
    }
    let function = report.test;
    for kept in report.lanes.iter().filter_map(|lane| lane.kept.as_ref()) {
        lines.push(format!(
            "  state kept: cargo mori shell {function}   {}   until dropped or 5 newer ones",
            kept.dir.display()
        ));
    }
    let connection = report
        .run_connection
        .map(|name| format!(" --connection {name}"))
        .unwrap_or_default();
    lines.push(format!(
        "  again:      cargo mori test -E 'test(={function})' --lanes 1{connection}"
    ));
    lines.join("\n")
}

/// The failure's text and place. An assertion whose lines are the report's columns is cut to its headline.
fn failure(report: &Report<'_>) -> Vec<String> {
    let headlines = report.lanes.iter().filter_map(|lane| lane.broken.as_ref()).map(Broken::headline);
    let mut shown: Vec<String> = match headlines.into_iter().find(|headline| report.failure.starts_with(headline)) {
        Some(headline) => vec![headline.to_owned()],
        None => cut(report.failure),
    };
    if let (Some(first), Some(location)) = (shown.first_mut(), report.location) {
        *first = format!("{first}   {location}");
    }
    shown
}

fn cut(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().take(FAILURE_LINES_MAX).map(str::to_owned).collect();
    let hidden = text.lines().count().saturating_sub(FAILURE_LINES_MAX);
    if hidden > 0 {
        lines.push(format!("… {}", text::counted(hidden, "more line")));
    }
    lines
}

/// Lines under one label, which stands on the first.
fn labelled(label: &str, lines: Vec<String>) -> Vec<String> {
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    labels
        .zip(lines)
        .map(|(label, line)| format!("{label:<LABEL_WIDTH$}{line}"))
        .collect()
}

#[cfg(all(test, unix))]
mod tests;
