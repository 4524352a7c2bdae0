//! Writes what the renderers make of the events.

use super::display::Displayer;
use super::progress::Progress;
use super::{event_json, junit_report, render_summary, render_timings};
use crate::args::Format;
use crate::error::CliError;
use crate::output::{Paint, note, print_json_line};
use crate::runner::{FinishedTest, RunEvent, RunReport};
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal};
use std::path::{Path, PathBuf};

#[derive(Clone, Debug)]
pub struct ReporterOptions {
    pub format: Format,
    pub no_capture: bool,
    pub junit: Option<PathBuf>,
    pub timings: bool,
    /// Shortens paths.
    pub workspace: PathBuf,
}

pub struct Reporter {
    options: ReporterOptions,
    paint: Paint,
    displayer: Displayer,
    progress: Option<Progress>,
    /// With their output, for JUnit; not kept without it.
    finished: Vec<FinishedTest>,
    /// The first error of standard output. It does not stop the run, and is told at the end.
    failure: Option<CliError>,
}

impl Reporter {
    pub fn new(options: ReporterOptions) -> Reporter {
        let paint = Paint::for_stderr();
        let displayer = Displayer::new(paint, options.no_capture);
        Reporter {
            options,
            paint,
            displayer,
            progress: None,
            finished: Vec::new(),
            failure: None,
        }
    }

    pub fn observe(&mut self, event: &RunEvent) {
        if self.options.format == Format::Json {
            if self.failure.is_none() {
                self.failure = print_json_line(&event_json(event)).err();
            }
        } else {
            self.display(event);
        }
        if let (RunEvent::TestFinished(finished), true) = (event, self.options.junit.is_some()) {
            self.finished.push(finished.clone());
        }
    }

    fn display(&mut self, event: &RunEvent) {
        let text = self.displayer.render(event);
        match &mut self.progress {
            Some(progress) => {
                progress.update(event);
                if !text.is_empty() {
                    progress.print(&text);
                }
            }
            None => note(&text),
        }
        if let RunEvent::RunStarted { tests, .. } = event
            && io::stderr().is_terminal()
            && !self.options.no_capture
        {
            self.progress = Some(Progress::start(*tests, self.paint.is_enabled()));
        }
    }

    /// The summary, and the files.
    pub fn finish(mut self, report: RunReport) -> Result<(), CliError> {
        if let Some(progress) = &self.progress {
            progress.clear();
        }
        if self.options.format == Format::Human {
            note(&render_summary(&report, &self.displayer, self.paint, &self.options.workspace));
            if self.options.timings {
                note(&render_timings(&report));
            }
        }
        if let Some(path) = &self.options.junit {
            write_junit(path, &report, &self.finished)?;
        }
        self.observe(&RunEvent::RunFinished(Box::new(report)));
        self.failure.map_or(Ok(()), Err)
    }
}

fn write_junit(path: &Path, report: &RunReport, finished: &[FinishedTest]) -> Result<(), CliError> {
    let error = |source: io::Error| CliError::file("write", path, source);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(error)?;
    }
    let file = BufWriter::new(File::create(path).map_err(error)?);
    junit_report(report, finished)
        .serialize(file)
        .map_err(|source| error(io::Error::other(source)))
}
