//! A plain server in the lane's place: the programs mean the same on any two servers, and a difference is found and made short.

use super::generate::{Profile, program};
use super::minimize;
use super::program::{Command, Form, Step, command};
use super::run::{Arena, DEBUG, Prod};
use super::search::Search;
use crate::drivers::available::skip;
use mori_tests::redis::{Address, Image, RedisServer, Reply};
use std::time::Instant;

/// As many as take some seconds on two cores.
const PROGRAMS: u64 = 60;

/// A server that holds a copy of prod in the lane's place. A lane is the server made new.
fn make_plain(server: &RedisServer) -> impl FnMut(&Prod) -> (Address, ()) + '_ {
    let mut image: Option<(u64, Image)> = None;
    move |prod| {
        if image.as_ref().is_none_or(|(generation, _)| *generation != prod.generation) {
            let mut client = mori_tests::redis::Resp::connect(&prod.address).unwrap();
            image = Some((prod.generation, Image::of(&mut client).unwrap()));
        }
        server.renew();
        let (_, image) = image.as_ref().unwrap();
        image.restore(&mut server.connect()).unwrap();
        (server.address(), ())
    }
}

/// Prod with a private copy, and a server for the lane's place; where Redis is not installed, says that the test does not run.
fn servers(test: &str) -> Option<(Arena, RedisServer)> {
    let servers = Arena::start().zip(RedisServer::start(&DEBUG));
    if servers.is_none() {
        skip(&format!("redis::programs::plain::{test}"), "Redis is not installed");
    }
    servers
}

#[test]
fn programs_answer_the_same_on_two_plain_servers() {
    let search = Search::new(PROGRAMS);
    let started = Instant::now();
    let work = || {
        let (mut arena, server) = servers("programs_answer_the_same_on_two_plain_servers")?;
        let profile = Profile::of(&server.address());
        search.work(&mut arena, &profile, &mut make_plain(&server));
        Some(arena.counts)
    };
    let counts = std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers.map(|worker| worker.join().unwrap())
    });
    let [Some(one), Some(other)] = counts else { return };
    let seeds = search.seeds();
    if let Some(report) = search.into_found() {
        panic!("two plain servers do not answer alike.\n{report}");
    }
    let programs = one.programs + other.programs;
    assert_eq!(programs as u64, seeds.end - seeds.start);
    println!(
        "{programs} programs from seed {}: {} commands, {} errors, {:.0} programs a second",
        seeds.start,
        one.commands + other.commands,
        one.errors + other.errors,
        programs as f64 / started.elapsed().as_secs_f64()
    );
}

/// Two sabotages: one that a reply shows at once, and one that only the end shows.
#[test]
fn a_server_that_is_told_something_else_is_found_out() {
    let Some((mut arena, server)) = servers("a_server_that_is_told_something_else_is_found_out") else {
        return;
    };
    let profile = Profile::of(&server.address());
    let longer: super::run::Alter = |command| {
        (command.name() == "APPEND" && command.args.len() == 3).then(|| {
            let mut command = command.clone();
            command.args[2].push(b'!');
            command
        })
    };
    let other_value: super::run::Alter = |command| {
        (command.name() == "LSET" && command.args.len() == 4).then(|| {
            let mut command = command.clone();
            command.args[3].push(b'!');
            command
        })
    };
    for (name, alter) in [("APPEND", longer), ("LSET", other_value)] {
        arena.alter = Some(alter);
        let found = (0..400).find_map(|seed| {
            let program = program(seed, &profile);
            let mismatch = arena.run(&program, &mut make_plain(&server)).err()?;
            Some(minimize::report(&mut arena, &program, mismatch, &mut make_plain(&server)))
        });
        let report = found.unwrap_or_else(|| panic!("{name} was altered, and nobody saw it"));
        let lines = report.program.steps.len() + report.program.prod.len() + report.program.local.len();
        assert!(lines <= 4, "{lines} lines are left:\n{report}");
        let text = report.to_string();
        assert!(
            text.contains(name) && text.contains(&format!("MORI_REDIS_SEED={}", report.program.seed)),
            "{text}"
        );
    }
}

/// What is in prod must stay.
#[test]
fn a_write_to_prod_is_found_out() {
    let Some((mut arena, server)) = servers("a_write_to_prod_is_found_out") else {
        return;
    };
    let mut program = program(1, &Profile::of(&server.address()));
    program.steps.truncate(3);
    let mut plain = make_plain(&server);
    let mut make_lane = |prod: &Prod| {
        let mut client = mori_tests::redis::Resp::connect(&prod.address).unwrap();
        let lane = plain(prod);
        client.ask(&["SET", "written", "by the lane"]);
        lane
    };
    let mismatch = arena.run(&program, &mut make_lane).unwrap_err();
    assert!(mismatch.text.starts_with("prod was written"), "{}", mismatch.text);
}

/// All scripts' hashes are what the server computes.
#[test]
fn the_hashes_of_scripts_are_right() {
    let Some((_, server)) = servers("the_hashes_of_scripts_are_right") else {
        return;
    };
    for (script, hash) in super::commands::scripts::SCRIPTS {
        assert_eq!(
            server.connect().ask(&["SCRIPT", "LOAD", script]),
            Reply::Blob(b'$', hash.as_bytes().to_vec())
        );
    }
}

/// Two transactions, a waiting client, a listener, a line and a lost connection: each kind of step, once, by hand.
#[test]
fn every_kind_of_step_runs() {
    let Some((mut arena, server)) = servers("every_kind_of_step_runs") else {
        return;
    };
    let send = |client, commands: Vec<Command>| Step::Send { client, commands };
    let steps = vec![
        Step::Fenced {
            client: 1,
            commands: vec![command!["SUBSCRIBE", "one", "two"].form(Form::Subscription)],
        },
        send(0, vec![command!["PUBLISH", "one", "a message"], command!["MULTI"]]),
        send(
            0,
            vec![
                command!["SADD", "set", 1, 2, 3, "four"],
                command!["SMEMBERS", "set"].form(Form::Sorted),
            ],
        ),
        send(0, vec![command!["EXEC"]]),
        Step::Scan {
            client: 0,
            command: command!["SSCAN", "set", 0],
            cursor: 2,
        },
        Step::Wait {
            waiting: vec![(2, command!["BLPOP", "list", 0]), (1, command!["BLPOP", "list", 0])],
            client: 0,
            commands: vec![command!["RPUSH", "list", "a"]],
        },
        Step::Carry {
            client: 0,
            key: b"set".to_vec(),
            restore: command!["RESTORE", "other", 0, ""],
            payload: 3,
        },
        Step::Lapse {
            client: 0,
            key: b"set".to_vec(),
        },
        Step::Break {
            client: 2,
            bytes: b"*1\r\n!\r\n".to_vec(),
        },
        send(2, vec![command!["KEYS", "*"].form(Form::Sorted)]),
    ];
    let program = super::program::Program {
        seed: 0,
        prod: Vec::new(),
        local: Vec::new(),
        protocols: vec![2, 3, 2],
        steps,
    };
    if let Err(mismatch) = arena.run(&program, &mut make_plain(&server)) {
        panic!("{}\n{}", program.script(), mismatch.text);
    }
}
