//! Places, which are members of sorted sets.

use crate::redis::programs::generate::{Class, Generator};
use crate::redis::programs::program::{Command, command};

fn degrees(g: &mut Generator) -> f64 {
    g.below(400) as f64 / 10.0
}

pub fn any(g: &mut Generator) -> Command {
    let key = g.key(Class::Geo);
    match g.below(11) {
        0..=2 => {
            let mut command = command!["GEOADD", key];
            if g.chance(30) {
                command.push(g.pick(&["NX", "XX", "CH"]));
            }
            for _ in 0..=g.below(2) {
                command.extend([degrees(g), degrees(g)]);
                command.push(g.member());
            }
            command
        }
        3 => command!["GEOPOS", key, g.member(), g.member()],
        4 => command!["GEODIST", key, g.member(), g.member(), unit(g)],
        5 => command!["GEOHASH", key, g.member(), g.member()],
        6..=7 => {
            let command = command!["GEOSEARCH", key];
            let mut command = search(g, command);
            for option in ["WITHCOORD", "WITHDIST", "WITHHASH"] {
                if g.chance(40) {
                    command.push(option);
                }
            }
            command
        }
        8 => {
            let command = command!["GEOSEARCHSTORE", key, g.key(Class::Geo)];
            let mut command = search(g, command);
            if g.chance(40) {
                command.push("STOREDIST");
            }
            command
        }
        9 => command!["GEORADIUS", key, degrees(g), degrees(g), g.below(3000), unit(g), "WITHDIST", "ASC"],
        _ => command![
            "GEORADIUSBYMEMBER",
            key,
            g.member(),
            g.below(3000),
            unit(g),
            "STORE",
            g.key(Class::Geo)
        ],
    }
}

fn unit(g: &mut Generator) -> &'static str {
    g.pick(&["m", "km", "mi", "ft"])
}

fn search(g: &mut Generator, mut command: Command) -> Command {
    if g.chance(50) {
        command.push("FROMMEMBER");
        command.push(g.member());
    } else {
        command.push("FROMLONLAT");
        command.extend([degrees(g), degrees(g)]);
    }
    if g.chance(50) {
        command.extend(["BYRADIUS".to_owned(), g.below(3000).to_string(), "km".to_owned()]);
    } else {
        command.extend([
            "BYBOX".to_owned(),
            g.below(3000).to_string(),
            g.below(3000).to_string(),
            "km".to_owned(),
        ]);
    }
    command.push(g.pick(&["ASC", "DESC"]));
    if g.chance(40) {
        command.extend(["COUNT".to_owned(), (1 + g.below(6)).to_string()]);
    }
    command
}
