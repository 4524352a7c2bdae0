//! A PostgreSQL lane and a private full copy of the same prod, told the same bytes and compared message by message.
//!
//! A [`Stage`] holds what is made once: prod as an image without any of our machinery in it, and a broker that serves lanes of the same prod. A
//! [`Pair`] is a lane and a server on a copy of the image. A [`Twin`] is one client of each, and fails its test at its end if they were told
//! different things.

use crate::raw::{self, Message, Raw, Socket};
use crate::same::Same;
use crate::{Control, RunningBroker};
use mori_backend::postgres::{Binaries, Layer, LayerOptions, Purpose, Server};
use mori_control::{LaneGrant, Request, Response};
use mori_model::LaneDelta;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The connection's and the database's name.
pub const DATABASE: &str = "db";
pub const PROTOCOL_3_0: u32 = 0x0003_0000;
/// The database of a copy that is only cloned.
const KEPT: &str = "kept";
const LOCK_WAIT: Duration = Duration::from_secs(20);

/// The programs of a server, if there are any on this machine.
pub fn binaries() -> Option<Binaries> {
    Binaries::find(None).ok()
}

/// A temporary folder that the server's user can pass through.
pub fn passable_folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).expect("our own folder");
    folder
}

/// The image of a prod that these statements make.
pub fn image(binaries: &Binaries, sql: &Path, dir: &Path) -> Layer {
    let options = LayerOptions {
        database: DATABASE.to_owned(),
        ..LayerOptions::default()
    };
    Layer::of_fixture(binaries, &[sql.to_owned()], dir, &options).unwrap_or_else(|error| panic!("{error}"))
}

/// A server on a copy of an image, in a folder of its own.
pub struct Copy {
    pub server: Server,
    // Goes after its server.
    _folder: TempDir,
}

impl Copy {
    pub fn of(image: &Layer) -> Copy {
        let folder = passable_folder();
        let data = image.lane(&folder.path().join("data")).expect("the image can be copied");
        Copy {
            server: Server::start(image.binaries(), &data, folder.path(), Purpose::Throwaway).expect("the copy's server starts"),
            _folder: folder,
        }
    }

    /// Keeps the database as it is now, for [`Copy::renew`].
    fn keep(&self) {
        self.run(&[&format!("CREATE DATABASE {KEPT} TEMPLATE {DATABASE}")]);
    }

    /// Puts the database as it was kept into place: the same pages, with the same numbers of all objects in them.
    fn renew(&self) {
        self.run(&[
            // WITH (FORCE) would do, but for version 12.
            &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DATABASE}'"),
            &format!("DROP DATABASE {DATABASE}"),
            &format!("CREATE DATABASE {DATABASE} TEMPLATE {KEPT}"),
        ]);
    }

    fn run(&self, statements: &[&str]) {
        let mut client = self.server.connect("template1").expect("the copy's server accepts");
        for statement in statements {
            client
                .batch_execute(statement)
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }
}

/// One prod: its image, and a broker that makes lanes of it.
pub struct Stage {
    pub image: Layer,
    broker: Option<RunningBroker>,
    folder: TempDir,
}

/// The stage that the tests of a process share while any of them needs it.
static SHARED: Mutex<Weak<Stage>> = Mutex::new(Weak::new());

impl Stage {
    /// `None` where PostgreSQL is not installed.
    pub fn new(sql: &str) -> Option<Stage> {
        let binaries = binaries()?;
        let folder = passable_folder();
        let file = folder.path().join("prod.sql");
        std::fs::write(&file, sql).expect("the folder is ours");
        let yaml = format!("version: 1\nconnections:\n  {DATABASE}:\n    engine: postgres\n    prod: {{fixture: {{sql: [prod.sql]}}}}\n");
        Some(Stage {
            image: image(&binaries, &file, &folder.path().join("image")),
            broker: Some(RunningBroker::start_with(folder.path(), &yaml)),
            folder,
        })
    }

    /// The stage of all tests that give the same statements, which is every caller of this.
    pub fn shared(sql: &str) -> Option<Arc<Stage>> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stage) = shared.upgrade() {
            return Some(stage);
        }
        let stage = Arc::new(Stage::new(sql)?);
        *shared = Arc::downgrade(&stage);
        Some(stage)
    }

    /// The folder with the stage's mori.yaml.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn socket(&self) -> &Path {
        &self.broker.as_ref().expect("it ends with the stage").socket
    }

    /// A connection as a test holds one.
    pub fn control(&self) -> Control {
        Control::connect(self.socket())
    }

    /// A lane and a private copy, both as prod is.
    pub fn pair(self: &Arc<Stage>) -> Pair {
        let mut control = self.control();
        let grant = control.acquire(self.folder.path());
        Pair {
            copy: Copy::of(&self.image),
            same: Arc::default(),
            control,
            grant,
            stage: self.clone(),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.control().try_ask(&Request::Shutdown);
        if let Some(broker) = self.broker.take() {
            broker.join();
        }
    }
}

/// A lane and a private copy of the same prod.
pub struct Pair {
    pub control: Control,
    pub grant: LaneGrant,
    pub copy: Copy,
    pub stage: Arc<Stage>,
    same: Arc<Mutex<Same>>,
}

impl Pair {
    /// One client of each.
    pub fn connect(&self) -> Twin {
        self.connect_with(PROTOCOL_3_0, &[])
    }

    /// One client of each, with these parameters besides user and database.
    pub fn connect_with(&self, version: u32, parameters: &[(&str, &str)]) -> Twin {
        let (user, database) = (self.lane_user(), ("database", DATABASE));
        let with = |user| [&[("user", user), database], parameters].concat();
        let mut twin = self.open();
        let told = (
            twin.lane.greet(version, &with(user)),
            twin.copy.greet(version, &with(self.stage.image.user())),
        );
        twin.compare("the greeting", &told);
        twin.know_each_other();
        twin
    }

    /// One client of each, on whose connections nothing was said yet.
    pub fn open(&self) -> Twin {
        Twin {
            lane: Raw::open(self.port()),
            copy: Raw::open_unix(&self.copy.server.socket_path()),
            same: self.same.clone(),
            history: Vec::new(),
            differences: Vec::new(),
        }
    }

    /// The user in the lane's URL: it names the lease.
    pub fn lane_user(&self) -> &str {
        user_of(&self.grant)
    }

    pub fn port(&self) -> u16 {
        port_of(&self.grant)
    }

    pub fn delta(&mut self) -> LaneDelta {
        let lane = self.grant.lane;
        match self.control.ask(&Request::Delta { lane }) {
            Response::Delta(delta) => delta,
            other => panic!("{other:?}"),
        }
    }

    /// Takes back what was done to the lane. The copy stays as it is.
    pub fn reset_lane(&mut self) {
        let lane = self.grant.lane;
        self.control.ask(&Request::Reset { lane });
    }

    /// From here on the copy can be renewed.
    pub fn keep_copy(&self) {
        self.copy.keep();
    }

    /// The copy's database is what it was when it was kept.
    pub fn renew_copy(&mut self) {
        self.copy.renew();
        // Numbers of new objects mean others from now on.
        self.same = Arc::default();
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        // A reset by undoing leaves rows in other places, so that a scan meets them in another order: no promise is broken, but the next test here
        // would see it. After DDL the lane is copied anew.
        client_of(&self.grant).query("CREATE TABLE spoilt ()");
        self.control.finish(&self.grant);
    }
}

/// The user in a lane's URL: it names the lease.
fn user_of(grant: &LaneGrant) -> &str {
    let rest = grant.url.split_once("://").map_or("", |(_, rest)| rest);
    rest.split_once('@').map_or("", |(user, _)| user)
}

/// The port in a lane's URL.
fn port_of(grant: &LaneGrant) -> u16 {
    let rest = grant.url.rsplit_once(':').map_or("", |(_, rest)| rest);
    let digits = rest.split(|character: char| !character.is_ascii_digit()).next();
    digits.and_then(|port| port.parse().ok()).expect("the URL has a port")
}

/// A client of a lane that has said who it is, and has heard nothing yet.
pub fn begin(grant: &LaneGrant) -> Raw {
    let mut client = Raw::open(port_of(grant));
    client.send(&raw::startup(PROTOCOL_3_0, &[("user", user_of(grant)), ("database", DATABASE)]));
    client
}

/// A client of a lane.
pub fn client_of(grant: &LaneGrant) -> Raw {
    let mut client = Raw::open(port_of(grant));
    client.greet(PROTOCOL_3_0, &[("user", user_of(grant)), ("database", DATABASE)]);
    client
}

/// How far an answer goes.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// So many times ReadyForQuery.
    Ready(usize),
    /// The first message with this letter.
    Tag(u8),
    /// The server closes the connection.
    End,
}

/// What a lane's and a copy's clients were told.
pub type Told = (Vec<Message>, Vec<Message>);

/// A client of the lane and one of the copy, that say the same.
pub struct Twin {
    pub lane: Raw,
    pub copy: Raw<UnixStream>,
    same: Arc<Mutex<Same>>,
    history: Vec<String>,
    differences: Vec<String>,
}

impl Twin {
    /// Process ids of the two, by which notifications name them.
    fn know_each_other(&self) {
        self.same().know_process(self.lane.process_id, self.copy.process_id);
    }

    fn same(&self) -> std::sync::MutexGuard<'_, Same> {
        self.same.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends bytes to both.
    pub fn send(&mut self, bytes: &[u8]) {
        // A server that has hung up is compared by what it said before.
        let _ = self.lane.try_send(bytes);
        let _ = self.copy.try_send(bytes);
    }

    /// What both say.
    pub fn hear(&mut self, until: Until) -> Told {
        let mut told = (hear(&mut self.lane, until), hear(&mut self.copy, until));
        // Up to version 13 a server tells of each change of these, also of those that the capture's functions make and take back.
        let version = self.lane.parameters.get("server_version").map(String::as_str).unwrap_or_default();
        if version.starts_with("12.") || version.starts_with("13.") {
            for messages in [&mut told.0, &mut told.1] {
                messages.retain(|message| {
                    let is_told = ["DateStyle", "IntervalStyle", "TimeZone"].map(|name| message.body.starts_with(name.as_bytes()));
                    message.tag != b'S' || !is_told.contains(&true)
                });
            }
        }
        told
    }

    /// Sends bytes to both, and notes a difference between what they answer. Gives the lane's answer.
    pub fn exchange(&mut self, what: &str, bytes: &[u8], until: Until) -> Vec<Message> {
        self.history.push(what.to_owned());
        self.send(bytes);
        self.answer(what, until)
    }

    /// Notes a difference between what both say now. Gives the lane's answer.
    pub fn answer(&mut self, what: &str, until: Until) -> Vec<Message> {
        let told = self.hear(until);
        self.compare(what, &told);
        told.0
    }

    /// Notes a difference.
    pub fn compare(&mut self, what: &str, told: &Told) {
        let difference = self.same().answers(&told.0, &told.1).err();
        if let Some(difference) = difference {
            self.differences.push(format!("{what}\n{difference}"));
        }
    }

    /// Runs a text by the simple protocol on both.
    pub fn query(&mut self, sql: &str) -> Vec<Message> {
        self.exchange(sql, &raw::query(sql), Until::Ready(1))
    }

    /// Runs a statement by the extended protocol on both, with all values in binary.
    pub fn extended(&mut self, sql: &str) -> Vec<Message> {
        let bytes = [
            raw::parse("", sql, &[]),
            raw::describe(b'S', ""),
            raw::bind_as("", "", &[], &[], &[1]),
            raw::describe(b'P', ""),
            raw::execute("", 0),
            raw::sync(),
        ];
        self.exchange(&format!("(binary) {sql}"), &bytes.concat(), Until::Ready(1))
    }

    /// Sends a text by the simple protocol that has to wait for a lock, and waits until it does on both sides.
    pub fn query_that_waits(&mut self, sql: &str, observer: &mut Twin) {
        self.send(&raw::query(sql));
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock'";
        let (lane, copy) = (self.lane.process_id, self.copy.process_id);
        wait_for_lock(&mut observer.lane, &waits.replace("{pid}", &lane.to_string()));
        wait_for_lock(&mut observer.copy, &waits.replace("{pid}", &copy.to_string()));
    }

    /// The differences so far, which are forgotten.
    pub fn take_differences(&mut self) -> Vec<String> {
        std::mem::take(&mut self.differences)
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the last statement of a client: {:?}", self.history.last());
        } else if !self.differences.is_empty() {
            panic!(
                "the lane does not answer as a private copy does, {} times:\n{}",
                self.differences.len(),
                self.differences.join("\n\n")
            );
        }
    }
}

fn hear<S: Socket>(raw: &mut Raw<S>, until: Until) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut ready = 0;
    while let Some(message) = raw.hear() {
        let tag = message.tag;
        messages.push(message);
        ready += usize::from(tag == b'Z');
        match until {
            Until::Ready(count) if ready == count => break,
            Until::Tag(wanted) if tag == wanted => break,
            _ => {}
        }
    }
    messages
}

fn wait_for_lock<S: Socket>(raw: &mut Raw<S>, sql: &str) {
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        raw.send(&raw::query(sql));
        if raw.until_ready().iter().any(|message| message.told() == "D 1") {
            return;
        }
        assert!(Instant::now() < deadline, "nobody waits for a lock");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}
