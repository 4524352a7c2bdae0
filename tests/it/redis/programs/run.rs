//! A program on two servers.

use super::compare::{is_same, is_same_subscription};
use super::program::{Command, Entry, Form, Program, Step};
use super::side::Side;
use mori_tests::redis::{Address, Content, Image, RedisServer, Reply, Resp, differences, dump_all};
use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant};

/// DEBUG DIGEST-VALUE is asked for at the end.
pub const DEBUG: [&str; 2] = ["--enable-debug-command", "yes"];
const LAPSE_MAX: Duration = Duration::from_secs(5);

/// Where and how a lane does not do as a private copy does.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// How many steps had been done; `None` where it was found at the end.
    pub steps: Option<usize>,
    pub text: String,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub programs: usize,
    pub commands: usize,
    pub errors: usize,
}

/// The prod of a program. Its generation changes with its content.
#[derive(Clone, Debug)]
pub struct Prod {
    pub address: Address,
    pub generation: u64,
}

/// What a lane is told instead of a command, to show that a difference is found.
pub type Alter = fn(&Command) -> Option<Command>;

/// Two plain servers of ours: one is prod, the other one holds the private copy.
pub struct Arena {
    pub prod: Prod,
    prod_server: RedisServer,
    copy: RedisServer,
    filled: Option<(Vec<Entry>, Image, Content)>,
    pub alter: Option<Alter>,
    pub counts: Counts,
}

/// A program's state while it runs.
struct Running<'a> {
    program: &'a Program,
    copy: Side,
    lane: Side,
    /// What each client has queued since MULTI.
    queued: Vec<Option<Vec<Form>>>,
    /// Clients that get messages nobody asked for.
    listens: Vec<bool>,
    fences: usize,
    alter: Option<Alter>,
    counts: &'a mut Counts,
}

/// A difference, or a connection that broke.
type Outcome = Result<(), String>;

fn broken(side: &'static str) -> impl Fn(io::Error) -> String {
    move |error| format!("the connection to the {side}: {error}")
}

impl Arena {
    /// `None` where no server is installed.
    pub fn start() -> Option<Arena> {
        let prod_server = RedisServer::start(&DEBUG)?;
        Some(Arena {
            prod: Prod {
                address: prod_server.address(),
                generation: 0,
            },
            prod_server,
            copy: RedisServer::start(&DEBUG)?,
            filled: None,
            alter: None,
            counts: Counts::default(),
        })
    }

    /// Runs a program on the private copy, and on the lane that `make_lane` makes of prod. What comes with the lane is dropped at its end.
    pub fn run<G>(&mut self, program: &Program, make_lane: &mut dyn FnMut(&Prod) -> (Address, G)) -> Result<(), Mismatch> {
        let at_end = |text: String| Mismatch { steps: None, text };
        if self.filled.as_ref().is_none_or(|(entries, ..)| *entries != program.prod) {
            self.fill(&program.prod).expect("prod can be filled");
        }
        let (_, image, before) = self.filled.as_ref().expect("it was filled");
        self.copy.renew();
        let mut observer = self.copy.connect();
        image.restore(&mut observer).expect("prod can be copied");
        let (lane, guard) = make_lane(&self.prod);
        let sides = Side::connect(&self.copy.address(), &program.protocols)
            .map_err(broken("copy"))
            .and_then(|copy| Ok((copy, Side::connect(&lane, &program.protocols).map_err(broken("lane"))?)));
        let (copy, lane_side) = sides.map_err(at_end)?;
        let mut running = Running {
            program,
            copy,
            lane: lane_side,
            queued: vec![None; program.protocols.len()],
            listens: vec![false; program.protocols.len()],
            fences: 0,
            alter: self.alter,
            counts: &mut self.counts,
        };
        running.write_local().map_err(at_end)?;
        for (index, step) in program.steps.iter().enumerate() {
            running.step(step).and_then(|()| running.hear_all()).map_err(|text| Mismatch {
                steps: Some(index + 1),
                text: format!("{step}{text}"),
            })?;
        }
        running.copy.quit().map_err(|error| at_end(broken("copy")(error)))?;
        running.lane.quit().map_err(|error| at_end(broken("lane")(error)))?;
        let dump = |address: &Address| Resp::connect(address).and_then(|mut client| dump_all(&mut client));
        let expected = dump_all(&mut observer).map_err(broken("copy")).map_err(at_end)?;
        let found = dump(&lane).map_err(broken("lane")).map_err(at_end)?;
        drop(guard);
        let told = differences(&expected, &found);
        if !told.is_empty() {
            return Err(at_end(format!("the lane holds at the end\n{}", told.join("\n"))));
        }
        let after = dump(&self.prod.address).expect("prod answers");
        if after != *before {
            let told = differences(before, &after).join("\n");
            return Err(at_end(format!("prod was written. It holds\n{told}")));
        }
        self.counts.programs += 1;
        Ok(())
    }

    fn fill(&mut self, entries: &[Entry]) -> io::Result<()> {
        self.prod_server.clear();
        let mut client = self.prod_server.connect();
        for entry in entries {
            let mut commands = vec![vec![b"SELECT".to_vec(), entry.database.to_string().into_bytes()]];
            commands.extend(entry.commands.iter().map(|command| command.args.clone()));
            for (command, reply) in commands.iter().zip(client.pipeline(&commands)?) {
                assert!(!reply.is_error(), "{}: {reply}", Command::new(command.clone()));
            }
        }
        client.try_ask(&["SELECT", "0"])?;
        self.prod.generation += 1;
        self.filled = Some((entries.to_vec(), Image::of(&mut client)?, dump_all(&mut client)?));
        Ok(())
    }
}

impl Running<'_> {
    /// The keys that a client writes first. Their replies are compared as all others.
    fn write_local(&mut self) -> Outcome {
        for entry in &self.program.local {
            let mut commands = vec![Command::new(vec![b"SELECT".to_vec(), entry.database.to_string().into_bytes()])];
            commands.extend(entry.commands.clone());
            commands.push(Command::new(vec![b"SELECT".to_vec(), b"0".to_vec()]));
            self.send(0, &commands)?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Outcome {
        // What several messages are needed for does not go through a transaction.
        let is_free = |running: &Self, client: usize| running.queued[client].is_none();
        match step {
            Step::Send { client, commands } => self.send(*client, commands),
            Step::Break { client, bytes } => self.break_off(*client, bytes),
            Step::Fenced { client, commands } if is_free(self, *client) => self.fenced(*client, commands),
            Step::Scan { client, command, cursor } if is_free(self, *client) => self.scan(*client, command, *cursor),
            Step::Carry {
                client,
                key,
                restore,
                payload,
            } if is_free(self, *client) => self.carry(*client, key, restore, *payload),
            // A listener may hear of it before its own reply, or after.
            Step::Lapse { client, key } if is_free(self, *client) && !self.listens[*client] => self.lapse(*client, key),
            Step::Wait { waiting, client, commands } if waiting.iter().all(|(client, _)| is_free(self, *client)) => {
                self.wait(waiting, *client, commands)
            }
            _ => Ok(()),
        }
    }

    fn altered(&self, command: &Command) -> Command {
        self.alter.and_then(|alter| alter(command)).unwrap_or_else(|| command.clone())
    }

    fn write(&mut self, client: usize, commands: &[Command]) -> Outcome {
        let copy: Vec<u8> = commands.iter().flat_map(Command::bytes).collect();
        let lane: Vec<u8> = commands.iter().flat_map(|command| self.altered(command).bytes()).collect();
        self.counts.commands += commands.len();
        self.copy.clients[client].resp.send_bytes(&copy).map_err(broken("copy"))?;
        self.lane.clients[client].resp.send_bytes(&lane).map_err(broken("lane"))
    }

    fn send(&mut self, client: usize, commands: &[Command]) -> Outcome {
        self.write(client, commands)?;
        self.hear(client, commands)
    }

    /// One reply to each of these commands, from both.
    fn hear(&mut self, client: usize, commands: &[Command]) -> Outcome {
        let copy = self.copy.clients[client].read_replies(commands.len()).map_err(broken("copy"))?;
        let lane = self.lane.clients[client].read_replies(commands.len()).map_err(broken("lane"))?;
        if copy.len() != lane.len() {
            return Err(told(&lane, &copy));
        }
        let mut asked = commands.iter();
        for (copy_says, lane_says) in copy.iter().zip(&lane) {
            let (is_same, command) = if copy_says.is_push() || lane_says.is_push() {
                (copy_says == lane_says, None)
            } else {
                let command = asked.next().expect("as many replies as commands");
                let queued = if command.name() == "EXEC" {
                    self.queued[client].take()
                } else {
                    None
                };
                let is_same = is_same(command.form, &queued.unwrap_or_default(), copy_says, lane_says);
                self.counts.errors += usize::from(copy_says.is_error());
                self.note(client, command, copy_says);
                (is_same, Some(command))
            };
            if !is_same {
                let what = command.map_or("a push".to_owned(), ToString::to_string);
                return Err(format!(
                    "{what}\n{}",
                    told(std::slice::from_ref(lane_says), std::slice::from_ref(copy_says))
                ));
            }
        }
        Ok(())
    }

    /// What this reply means for the client's transaction.
    fn note(&mut self, client: usize, command: &Command, reply: &Reply) {
        if reply.bytes() == b"QUEUED"
            && let Some(queued) = &mut self.queued[client]
        {
            queued.push(command.form);
            return;
        }
        match command.name().as_str() {
            "MULTI" if !reply.is_error() => self.queued[client] = Some(Vec::new()),
            "DISCARD" | "EXEC" | "RESET" => self.queued[client] = None,
            "CLIENT" if command.args.len() > 1 && command.args[1] == b"TRACKING" => self.listens[client] = true,
            _ => {}
        }
    }

    fn fenced(&mut self, client: usize, commands: &[Command]) -> Outcome {
        self.write(client, commands)?;
        self.listens[client] |= commands.iter().any(|command| command.form == Form::Subscription);
        self.hear_to_fence(client, true)
    }

    /// Everything a client was told that nobody asked for.
    fn hear_all(&mut self) -> Outcome {
        for client in 0..self.listens.len() {
            if self.listens[client] && self.queued[client].is_none() {
                self.hear_to_fence(client, false)
                    .map_err(|text| format!("client {}: {text}", client + 1))?;
            }
        }
        Ok(())
    }

    fn hear_to_fence(&mut self, client: usize, is_subscription: bool) -> Outcome {
        self.fences += 1;
        let fence = format!("fence {}", self.fences);
        self.copy.clients[client].send_fence(&fence).map_err(broken("copy"))?;
        self.lane.clients[client].send_fence(&fence).map_err(broken("lane"))?;
        let copy = self.copy.clients[client].read_to_fence(&fence).map_err(broken("copy"))?;
        let lane = self.lane.clients[client].read_to_fence(&fence).map_err(broken("lane"))?;
        let is_same = copy == lane || (is_subscription && is_same_subscription(&copy, &lane));
        if is_same { Ok(()) } else { Err(told(&lane, &copy)) }
    }

    fn break_off(&mut self, client: usize, bytes: &[u8]) -> Outcome {
        self.copy.clients[client].resp.send_bytes(bytes).map_err(broken("copy"))?;
        self.lane.clients[client].resp.send_bytes(bytes).map_err(broken("lane"))?;
        let copy = self.copy.clients[client].resp.read_to_end().map_err(broken("copy"))?;
        let lane = self.lane.clients[client].resp.read_to_end().map_err(broken("lane"))?;
        if copy != lane {
            let text = |bytes| mori_tests::redis::quoted(bytes);
            return Err(format!("the lane said {}, the copy {}", text(&lane), text(&copy)));
        }
        (self.queued[client], self.listens[client]) = (None, false);
        let protocol = self.program.protocols[client];
        self.copy.reconnect(client, protocol).map_err(broken("copy"))?;
        self.lane.reconnect(client, protocol).map_err(broken("lane"))
    }

    fn scan(&mut self, client: usize, command: &Command, cursor: usize) -> Outcome {
        self.counts.commands += 1;
        let is_by_pairs = matches!(command.name().as_str(), "HSCAN" | "ZSCAN");
        let all = |side: &mut Side| -> io::Result<Result<BTreeSet<Vec<Reply>>, Reply>> {
            let (mut seen, mut page) = (BTreeSet::new(), command.clone());
            loop {
                let reply = side.clients[client].resp.try_ask(&page.args)?;
                let [next, items] = reply.items() else { return Ok(Err(reply)) };
                let size = if is_by_pairs { 2 } else { 1 };
                seen.extend(items.items().chunks(size).map(<[Reply]>::to_vec));
                if next.bytes() == b"0" {
                    return Ok(Ok(seen));
                }
                page.args[cursor] = next.bytes().to_vec();
            }
        };
        let copy = all(&mut self.copy).map_err(broken("copy"))?;
        let lane = all(&mut self.lane).map_err(broken("lane"))?;
        if copy != lane {
            return Err(format!("the lane's keys are {lane:?}, the copy's {copy:?}"));
        }
        Ok(())
    }

    fn carry(&mut self, client: usize, key: &[u8], restore: &Command, payload: usize) -> Outcome {
        self.counts.commands += 2;
        let dump = |side: &mut Side| side.clients[client].resp.try_ask(&[b"DUMP".as_slice(), key]);
        let copy = dump(&mut self.copy).map_err(broken("copy"))?;
        let lane = dump(&mut self.lane).map_err(broken("lane"))?;
        if !is_same(Form::Dump, &[], &copy, &lane) {
            return Err(told(&[lane], &[copy]));
        }
        let restore = |side: &mut Side, dump: &Reply| {
            let mut restore = restore.clone();
            restore.args[payload] = dump.bytes().to_vec();
            side.clients[client].resp.try_ask(&restore.args)
        };
        let copy = restore(&mut self.copy, &copy).map_err(broken("copy"))?;
        let lane = restore(&mut self.lane, &lane).map_err(broken("lane"))?;
        if copy == lane { Ok(()) } else { Err(told(&[lane], &[copy])) }
    }

    /// An expired key goes when somebody looks for it, or by itself: from here on it is gone on both.
    fn lapse(&mut self, client: usize, key: &[u8]) -> Outcome {
        self.send(client, &[Command::new(vec![b"PEXPIRE".to_vec(), key.to_vec(), b"1".to_vec()])])?;
        let deadline = Instant::now() + LAPSE_MAX;
        let exists = [b"EXISTS".as_slice(), key];
        for (name, side) in [("copy", &mut self.copy), ("lane", &mut self.lane)] {
            let client = &mut side.clients[client].resp;
            loop {
                if client.try_ask(&exists).map_err(broken(name))?.integer() != Some(1) {
                    // Where it went as it was looked for, a client that is tracking hears of it behind the answer.
                    client.try_ask(&exists).map_err(broken(name))?;
                    break;
                }
                if Instant::now() > deadline {
                    return Err(format!("the {name} still has the key"));
                }
            }
        }
        Ok(())
    }

    fn wait(&mut self, waiting: &[(usize, Command)], client: usize, commands: &[Command]) -> Outcome {
        for (waits, command) in waiting {
            let already = (
                self.copy.blocked_clients().map_err(broken("copy"))?,
                self.lane.blocked_clients().map_err(broken("lane"))?,
            );
            self.write(*waits, std::slice::from_ref(command))?;
            // One after the other: they are served in the order in which they came to wait.
            self.copy.wait_until_blocked(*waits, already.0 + 1).map_err(broken("copy"))?;
            self.lane.wait_until_blocked(*waits, already.1 + 1).map_err(broken("lane"))?;
        }
        self.send(client, commands)?;
        for (waits, command) in waiting {
            let copy = self.copy.unblock(*waits).map_err(broken("copy"))?;
            let lane = self.lane.unblock(*waits).map_err(broken("lane"))?;
            if copy != lane {
                return Err(format!(
                    "{command} waits longer on one than on the other: {}",
                    told(&[lane], &[copy])
                ));
            }
            self.hear(*waits, std::slice::from_ref(command))?;
        }
        Ok(())
    }
}

fn told(lane: &[Reply], copy: &[Reply]) -> String {
    let list = |replies: &[Reply]| replies.iter().map(|reply| format!("  {reply}\n")).collect::<String>();
    format!("the lane says\n{}instead of\n{}", list(lane), list(copy))
}
