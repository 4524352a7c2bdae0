//! The client against a listener of ours.

use super::*;
use mori_control::ErrorCode;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

/// Answers one connection with `responses` in turn, then closes it; gives the requests.
fn listen(responses: Vec<Response>) -> (tempfile::TempDir, PathBuf, JoinHandle<Vec<Request>>) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = thread::spawn(move || {
        let (mut writer, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(writer.try_clone().unwrap());
        let mut requests = Vec::new();
        for response in responses {
            requests.push(read_message(&mut reader).unwrap());
            write_message(&mut writer, &response).unwrap();
        }
        requests
    });
    (folder, socket, server)
}

fn hello() -> Response {
    Response::Hello {
        version: PROTOCOL_VERSION,
        pid: 7,
        run_id: "run".to_owned(),
    }
}

fn connect(socket: &Path) -> Result<Option<ControlClient>, ControlFailure> {
    ControlClient::connect(socket, Role::Tool, None)
}

#[test]
fn nobody_listening_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control.sock");
    assert!(connect(&socket).unwrap().is_none(), "no socket");
    drop(UnixListener::bind(&socket).unwrap());
    assert!(connect(&socket).unwrap().is_none(), "a socket that was left behind");
}

#[test]
fn the_greeting_comes_first() {
    let (_folder, socket, server) = listen(vec![hello(), Response::Done]);
    let mut client = connect(&socket).unwrap().unwrap();
    assert_eq!(client.pid(), 7);
    assert!(matches!(client.ask(&Request::ResetProxy { hard: true }).unwrap(), Response::Done));
    let requests = server.join().unwrap();
    assert!(matches!(
        requests[0],
        Request::Hello {
            version: PROTOCOL_VERSION,
            role: Role::Tool,
            run_id: None
        }
    ));
    assert!(matches!(requests[1], Request::ResetProxy { hard: true }));
}

#[test]
fn an_error_answer_is_an_error_with_its_remedy() {
    let refusal = ControlError {
        code: ErrorCode::Version,
        message: "versions differ".to_owned(),
        remedy: Some("update".to_owned()),
    };
    let (_folder, socket, server) = listen(vec![Response::Error(refusal)]);
    let Err(error) = connect(&socket) else { panic!("connected") };
    assert_eq!(
        (error.to_string().as_str(), error.remedy().as_deref()),
        ("versions differ", Some("update"))
    );
    server.join().unwrap();
}

#[test]
fn shutdown_waits_for_the_end_of_the_connection() {
    let (_folder, socket, server) = listen(vec![hello(), Response::Done]);
    connect(&socket).unwrap().unwrap().shutdown(Duration::from_secs(60)).unwrap();
    assert!(matches!(server.join().unwrap()[1], Request::Shutdown));
    // One that has ended before the question is stopped, too.
    let (_folder, socket, server) = listen(vec![hello()]);
    let client = connect(&socket).unwrap().unwrap();
    server.join().unwrap();
    client.shutdown(Duration::from_secs(60)).unwrap();
}
