//! Blocking calls from async code, under any executor: the control connection is a blocking socket.

use crate::HarnessError;

/// Runs `call` on a thread of its own, so that the test's connection tasks go on while the broker works.
pub(crate) async fn unblock<T: Send + 'static>(call: impl FnOnce() -> Result<T, HarnessError> + Send + 'static) -> Result<T, HarnessError> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("mori-control".to_owned())
        .spawn(move || {
            // A receiver that is gone means that the caller was cancelled; there is nobody to tell.
            let _ = sender.send(call());
        })
        .map_err(HarnessError::Runtime)?;
    receiver
        .await
        .expect("the thread answers before it ends, and the calls do not panic")
}
