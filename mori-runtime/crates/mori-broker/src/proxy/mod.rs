//! `mori start`: one lane of a connection, on a port, with its state in the project's `.mori` folder.

mod control;
mod log;
mod observer;
pub mod offline;
mod origin;
mod project;
mod report;
mod shadow;
mod state_files;

use crate::config::Connection;
use crate::error::BrokerError;
use crate::lane::{Lane, LaneUrl, Listener};
use observer::ProjectObserver;
pub use origin::Origin;
pub use project::ProjectFolder;
pub use shadow::Shadow;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

#[derive(Clone, Debug)]
pub struct ProxyOptions {
    /// The folder of `mori.yaml`.
    pub project_dir: PathBuf,
    pub connection: Connection,
    /// 0 takes a free one.
    pub port: u16,
    /// Print each statement and its route to stderr.
    pub verbose: bool,
}

/// A running proxy.
pub struct Proxy {
    listener: Listener,
    core: Arc<Core>,
}

/// What the proxy's threads share.
pub(crate) struct Core {
    pub lane: Arc<dyn Lane>,
    /// None for a kept state, which has no project.
    pub project: Option<Project>,
    stop: StopHandle,
}

/// A proxy's folder, and the lane in it.
pub(crate) struct Project {
    pub folder: Arc<ProjectFolder>,
    pub shadow: Arc<dyn Shadow>,
}

/// Ends a proxy, from any thread.
#[derive(Clone, Default)]
pub struct StopHandle(Arc<(Mutex<bool>, Condvar)>);

impl StopHandle {
    pub fn stop(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wait(&self) {
        let mut stopped = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !*stopped {
            stopped = self.0.1.wait(stopped).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Proxy {
    /// Opens the connection's lane, and accepts clients when this returns.
    ///
    /// Errors: the connection is started already, the port is in use, prod cannot be read, the folder cannot be written.
    pub fn start(options: ProxyOptions) -> Result<Proxy, BrokerError> {
        let folder = Arc::new(ProjectFolder::lock(&options.project_dir, &options.connection)?);
        let observer = ProjectObserver::new(folder.clone(), options.verbose)?;
        let shadow = shadow::open(&folder, Some(Box::new(observer.clone())))?;
        let lane = shadow.lane();
        let listener = Listener::bind(&lane, options.port)?;
        let core = Arc::new(Core {
            lane: lane.clone(),
            project: Some(Project {
                folder: folder.clone(),
                shadow,
            }),
            stop: StopHandle::default(),
        });
        let proxy = Proxy { listener, core };
        control::listen(&proxy.core, &folder.socket_path())?;
        folder.write_config(Some(&proxy.url()))?;
        state_files::export(&*lane, &folder)?;
        observer.watch(&lane);
        Ok(proxy)
    }

    /// Serves a kept state. What is written stays in its folder.
    pub(crate) fn serve_kept(lane: Arc<dyn Lane>) -> Result<Proxy, BrokerError> {
        let listener = Listener::bind(&lane, 0)?;
        let core = Arc::new(Core {
            lane: lane.clone(),
            project: None,
            stop: StopHandle::default(),
        });
        Ok(Proxy { listener, core })
    }

    /// What an application connects to.
    pub fn url(&self) -> String {
        self.core.lane.url(&LaneUrl {
            port: self.listener.port(),
            lease: None,
            is_below: false,
        })
    }

    pub fn stop_handle(&self) -> StopHandle {
        self.core.stop.clone()
    }

    /// Serves until it is stopped, then closes everything and writes the state down.
    pub fn wait(self) -> Result<(), BrokerError> {
        self.core.stop.wait();
        drop(self.listener);
        let Some(project) = &self.core.project else {
            return self.core.lane.close();
        };
        // What clients commit until they are closed belongs to the state.
        let disconnected = self.core.lane.disconnect();
        let exported = state_files::export(&*self.core.lane, &project.folder);
        let _ = std::fs::remove_file(project.folder.socket_path());
        project.folder.write_config(None)?;
        let closed = self.core.lane.close();
        disconnected.and(exported).and(closed)
    }
}
