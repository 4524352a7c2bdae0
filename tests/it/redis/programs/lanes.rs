//! A lane in the lane's place. What is proved besides: a lane that was reset is a new lane.

use super::generate::Profile;
use super::run::{Arena, Prod};
use super::search::Search;
use crate::drivers::available::skip;
use crate::redis::lane::Lane;
use mori_tests::redis::{Address, At, Content, differences, dump_all};

/// As many as take some seconds on two cores.
const PROGRAMS: u64 = 100;

fn url(prod: &Prod) -> String {
    match &prod.address.at {
        At::Tcp(host, port) => format!("redis://{host}:{port}"),
        At::Unix(path) => format!("unix://{}", path.display()),
    }
}

/// The lane of a program: that of the program before, put back; on another prod, with a new image. A lane that was put back is as it was when it was new, the
/// forms that its keys are kept in included.
fn make_lane(lane: &mut Option<(u64, Lane, Content)>, prod: &Prod) -> (Address, ()) {
    let content_of = |lane: &Lane| dump_all(&mut lane.connect()).unwrap();
    match lane {
        Some((generation, lane, content)) => {
            let is_new = *generation != prod.generation;
            lane.reset(is_new);
            let found = content_of(lane);
            if is_new {
                *generation = prod.generation;
                *content = found;
            } else {
                let differing = differences(content, &found);
                assert!(
                    differing.is_empty(),
                    "a lane that was reset is not as it was:\n{}",
                    differing.join("\n")
                );
            }
        }
        None => {
            let new = Lane::start(&url(prod));
            let content = content_of(&new);
            *lane = Some((prod.generation, new, content));
        }
    }
    let (_, lane, _) = lane.as_ref().unwrap();
    (lane.address(), ())
}

#[test]
fn programs_answer_the_same_on_a_lane_and_on_a_private_copy() {
    let search = Search::new(PROGRAMS);
    let work = || {
        let Some(mut arena) = Arena::start() else {
            skip(
                "redis::programs::lanes::programs_answer_the_same_on_a_lane_and_on_a_private_copy",
                "Redis is not installed",
            );
            return None;
        };
        let profile = Profile::of(&arena.prod.address);
        let mut lane = None;
        search.work(&mut arena, &profile, &mut |prod| make_lane(&mut lane, prod));
        Some(arena.counts)
    };
    let counts = std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers.map(|worker| worker.join().unwrap())
    });
    let [Some(one), Some(other)] = counts else { return };
    let seeds = search.seeds();
    if let Some(report) = search.into_found() {
        panic!("a lane does not answer as a private copy.\n{report}");
    }
    let programs = one.programs + other.programs;
    assert_eq!(programs as u64, seeds.end - seeds.start);
    println!(
        "{programs} programs from seed {}: {} commands",
        seeds.start,
        one.commands + other.commands
    );
}
