//! The log and the exported state.

use super::log::LineFile;
use super::project::ProjectFolder;
use super::state_files;
use crate::error::BrokerError;
use crate::lane::{Lane, LaneObserver, RouteEntry};
use mori_model::{Operation, Strategy};
use serde::Serialize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

/// Changes that come one after the other are exported together.
const EXPORT_DELAY: Duration = Duration::from_millis(50);

/// After an export that failed: what is in its way, a full disk for one, may take a while to go.
const EXPORT_RETRY_DELAY: Duration = Duration::from_secs(1);

/// About what a line takes.
const LINE_BYTES: usize = 256;

/// A line of the log.
#[derive(Serialize)]
struct Line<'a> {
    ts: &'a str,
    conn: std::fmt::Arguments<'a>,
    event: &'a str,
    sql: &'a str,
    op: &'a str,
    sub: &'a str,
    tables: &'a [String],
    strategy: Strategy,
    reason: &'a str,
    duration_us: u64,
    rows: u64,
    error: Option<&'a str>,
}

/// Observes the lane of a project.
#[derive(Clone)]
pub struct ProjectObserver {
    project: Arc<ProjectFolder>,
    log: Arc<Mutex<LineFile>>,
    verbose: bool,
    has_changes: Arc<AtomicBool>,
}

impl ProjectObserver {
    pub fn new(project: Arc<ProjectFolder>, verbose: bool) -> Result<ProjectObserver, BrokerError> {
        let path = project.log_path();
        let log = LineFile::open(&path).map_err(BrokerError::io("open", path))?;
        Ok(ProjectObserver {
            project,
            log: Arc::new(Mutex::new(log)),
            verbose,
            has_changes: Arc::new(AtomicBool::new(false)),
        })
    }

    /// Exports the state of the lane whenever it has changed, for as long as the lane lives.
    pub fn watch(&self, lane: &Arc<dyn Lane>) {
        let (lane, observer): (Weak<dyn Lane>, _) = (Arc::downgrade(lane), self.clone());
        std::thread::spawn(move || {
            let mut delay = EXPORT_DELAY;
            loop {
                std::thread::sleep(delay);
                delay = EXPORT_DELAY;
                let Some(lane) = lane.upgrade() else { return };
                if !observer.has_changes.swap(false, Ordering::AcqRel) {
                    continue;
                }
                let start = Instant::now();
                if state_files::export(&*lane, &observer.project).is_err() {
                    observer.has_changes.store(true, Ordering::Release);
                    delay = EXPORT_RETRY_DELAY;
                }
                // An export costs by the whole delta: it takes no more than a tenth of the time, however large that grows.
                delay = delay.max(start.elapsed() * 9);
            }
        });
    }
}

impl LaneObserver for ProjectObserver {
    fn executed(&self, entries: &[RouteEntry]) {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let ts = timestamp(since);
        let mut lines = Vec::with_capacity(entries.len() * LINE_BYTES);
        for entry in entries {
            let record = &entry.record;
            if self.verbose {
                let tables = record.tables.join(", ");
                let error = record.error.as_deref().map(|code| format!("  error {code}")).unwrap_or_default();
                eprintln!(
                    "c{} {} {tables}  {}  {}{error}  {:?}",
                    record.session, record.verb, record.strategy, record.reason, entry.duration
                );
            }
            if !lines.is_empty() {
                lines.push(b'\n');
            }
            let line = Line {
                ts: &ts,
                conn: format_args!("c{}", record.session),
                event: if record.error.is_some() { "error" } else { "statement" },
                sql: &entry.sql,
                op: record.operation.name(),
                sub: &record.verb,
                tables: &record.tables,
                strategy: record.strategy,
                reason: &record.reason,
                duration_us: u64::try_from(entry.duration.as_micros()).unwrap_or(u64::MAX),
                rows: record.rows,
                error: record.error.as_deref(),
            };
            let start = lines.len();
            if serde_json::to_writer(&mut lines, &line).is_err() {
                lines.truncate(start);
            }
        }
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk must not fail the statement that was executed.
        let _ = log.add(lines);
        if entries.iter().any(|entry| entry.record.operation == Operation::Ddl) {
            self.has_changes.store(true, Ordering::Release);
        }
    }

    fn committed(&self) {
        self.has_changes.store(true, Ordering::Release);
    }
}

/// Seconds since 1970 as `2026-11-20T12:00:00.000Z`. Civil date by the algorithm of
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
fn timestamp(since: Duration) -> String {
    let (seconds, millis) = (since.as_secs(), since.subsec_millis());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{millis:03}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_civil() {
        assert_eq!(timestamp(Duration::ZERO), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(Duration::from_millis(951_826_500_123)), "2000-02-29T12:15:00.123Z");
        assert_eq!(timestamp(Duration::from_secs(4_102_444_799)), "2099-12-31T23:59:59.000Z");
    }
}
