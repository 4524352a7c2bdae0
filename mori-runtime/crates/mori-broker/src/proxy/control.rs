//! The control socket of a running proxy: status, inspect, reset, stop.

use super::{Core, Project, project, report, state_files};
use crate::error::BrokerError;
use mori_control::{ControlError, ErrorCode, FrameError, PROTOCOL_VERSION, Request, Response, read_message, write_message};
use std::io::BufReader;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;

/// Serves the control socket at `path` for as long as the process lives.
pub fn listen(core: &Arc<Core>, path: &Path) -> Result<(), BrokerError> {
    // The folder's lock is ours, so a socket that is there was left by a process that is gone.
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path).map_err(BrokerError::io("listen on", path))?;
    let core = core.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let core = core.clone();
            std::thread::spawn(move || serve(&core, &stream));
        }
    });
    Ok(())
}

fn serve(core: &Core, stream: &UnixStream) {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let request: Request = match read_message(&mut reader) {
            Ok(request) => request,
            Err(FrameError::Malformed(error)) => {
                let error = ControlError {
                    code: ErrorCode::Version,
                    message: error.to_string(),
                    remedy: None,
                };
                let _ = write_message(&mut writer, &Response::Error(error));
                continue;
            }
            Err(_) => return,
        };
        let is_shutdown = matches!(request, Request::Shutdown);
        let response = answer(core, request).unwrap_or_else(|error| Response::Error(error.to_control()));
        if write_message(&mut writer, &response).is_err() {
            return;
        }
        if is_shutdown {
            core.stop.stop();
        }
    }
}

fn answer(core: &Core, request: Request) -> Result<Response, BrokerError> {
    let Some(Project { folder, shadow }) = &core.project else {
        return Err(BrokerError::Unsupported {
            what: "a kept state has no control socket".to_owned(),
            remedy: String::new(),
        });
    };
    Ok(match request {
        Request::Hello { .. } => Response::Hello {
            version: PROTOCOL_VERSION,
            pid: std::process::id(),
            run_id: folder.connection.name.clone(),
        },
        Request::Status => {
            let url = project::read_config(&folder.dir).and_then(|config| config.url);
            Response::Status(Box::new(report::status(&*core.lane, folder, url)?))
        }
        Request::Inspect { table } => Response::Inspect(Box::new(report::inspect(&*core.lane, &table)?)),
        Request::ResetProxy { hard } => {
            shadow.reset(hard)?;
            state_files::export(&*core.lane, folder)?;
            Response::Done
        }
        Request::Shutdown => Response::Done,
        _ => {
            return Err(BrokerError::Unsupported {
                what: "this is a proxy, not the broker of a test run".to_owned(),
                remedy: "tests find their broker by themselves: unset MORI_SOCKET".to_owned(),
            });
        }
    })
}
