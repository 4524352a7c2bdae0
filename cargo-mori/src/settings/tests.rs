//! Precedence, inheritance, and what is refused.

use super::*;
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

fn profiles(text: &str) -> Result<Profiles, SettingsError> {
    Profiles::check(".config/mori.toml", &toml::from_str::<Value>(text).unwrap())
}

const FILE: &str = "
[profile.default]
lanes = 8
retries = 1
keep = 'never'
[profile.ci]
lanes = 'auto'
fail-fast = false
slow-timeout = '2m'
";

fn settings(command_line: &CommandLine, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    resolve(&profiles(FILE).unwrap(), command_line, variable)
}

fn lanes(count: usize) -> Lanes {
    count.to_string().parse().unwrap()
}

#[test]
fn the_command_line_beats_the_environment_beats_the_profile_beats_the_default_profile() {
    let ci = CommandLine {
        profile: Some("ci".to_owned()),
        ..CommandLine::default()
    };
    let with_lanes = CommandLine {
        lanes: Some(lanes(2)),
        ..ci.clone()
    };
    let env = [("MORI_LANES", "4")];
    assert_eq!(settings(&with_lanes, &env).unwrap().lanes.value, lanes(2));
    assert_eq!(settings(&ci, &env).unwrap().lanes.value, lanes(4));
    assert_eq!(settings(&ci, &[]).unwrap().lanes.value, Lanes::Auto);
    assert_eq!(settings(&CommandLine::default(), &[]).unwrap().lanes.value, lanes(8));
}

#[test]
fn a_profile_inherits_what_it_does_not_say() {
    let settings = settings(&CommandLine::default(), &[("MORI_PROFILE", "ci")]).unwrap();
    assert_eq!(settings.retries.value, 1);
    assert_eq!(
        settings.retries.source,
        Source::Profile {
            profile: "default".to_owned(),
            origin: ".config/mori.toml".to_owned()
        }
    );
    assert!(!settings.fail_fast.value);
    assert_eq!(settings.slow_timeout.value.0, Duration::from_secs(120));
    assert_eq!(settings.keep.value, KeepArg::Never);
}

#[test]
fn a_connection_is_for_the_whole_run() {
    let profiles = profiles("[profile.postgres]\nconnection = 'shop_pg'").unwrap();
    let resolved = |command_line: CommandLine, variable: Option<&str>| {
        let variable = |name: &str| (name == "MORI_CONNECTION").then_some(variable).flatten().map(str::to_owned);
        resolve(&profiles, &command_line, variable).unwrap().connection.value
    };
    let postgres = CommandLine {
        profile: Some("postgres".to_owned()),
        ..CommandLine::default()
    };
    let by_flag = CommandLine {
        connection: Some("flag".parse().unwrap()),
        ..postgres.clone()
    };
    assert_eq!(resolved(by_flag, Some("variable")).name(), Some("flag"));
    assert_eq!(resolved(postgres.clone(), Some("variable")).name(), Some("variable"));
    assert_eq!(resolved(postgres.clone(), Some("")).name(), Some("shop_pg"));
    assert_eq!(resolved(postgres, None).name(), Some("shop_pg"));
    assert_eq!(resolved(CommandLine::default(), None), RunConnection::OfPackage);
}

#[test]
fn without_a_file_the_built_in_values_hold() {
    let settings = resolve(&Profiles::default(), &CommandLine::default(), |_| None).unwrap();
    assert_eq!(
        (settings.lanes.value, settings.retries.value, settings.fail_fast.value),
        (Lanes::Auto, 0, true)
    );
    assert!(settings.rows().iter().all(|row| *row.source == Source::BuiltIn));
}

#[test]
fn the_ladder_names_every_source() {
    let settings = settings(&CommandLine::default(), &[("MORI_LANES", "4")]).unwrap();
    let ladder: Vec<String> = settings
        .row("lanes")
        .unwrap()
        .ladder
        .iter()
        .map(|(source, value)| format!("{source}: {value:?}"))
        .collect();
    assert_eq!(
        ladder[..3],
        [
            "command line (--lanes): None",
            "environment (MORI_LANES): Some(\"4\")",
            "[profile.default] in .config/mori.toml: Some(\"8\")"
        ]
    );
    assert!(matches!(settings.row("lane"), Err(SettingsError::UnknownSetting { .. })));
}

#[track_caller]
fn check_error(error: SettingsError, message: &str, remedy: &str) {
    assert_eq!((error.to_string().as_str(), error.remedy().as_str()), (message, remedy));
}

#[test]
fn unknown_keys_name_the_nearest_one() {
    check_error(
        profiles("[profile.ci]\nlane = 1").unwrap_err(),
        ".config/mori.toml: unknown key `profile.ci.lane`",
        "did you mean `lanes`?",
    );
    check_error(
        profiles("[profiles.ci]").unwrap_err(),
        ".config/mori.toml: unknown key `profiles`",
        "did you mean `profile`?",
    );
}

#[test]
fn wrong_values_say_what_is_expected() {
    check_error(
        profiles("[profile.ci]\nlanes = 0").unwrap_err(),
        ".config/mori.toml: `profile.ci.lanes` is 0",
        "write a number from 1, or `auto`",
    );
    check_error(
        profiles("[profile.ci]\nkeep = 'sometimes'").unwrap_err(),
        ".config/mori.toml: `profile.ci.keep` is \"sometimes\"",
        "write `on-failure`, `always` or `never`",
    );
    check_error(
        profiles("[profile.ci]\nconnection = ''").unwrap_err(),
        ".config/mori.toml: `profile.ci.connection` is \"\"",
        "write the name of a connection",
    );
    check_error(
        settings(&CommandLine::default(), &[("MORI_RETRIES", "many")]).unwrap_err(),
        "environment: `MORI_RETRIES` is `many`",
        "write a number from 0",
    );
    let typo = CommandLine {
        profile: Some("cj".to_owned()),
        ..CommandLine::default()
    };
    check_error(settings(&typo, &[]).unwrap_err(), "no profile `cj`", "did you mean `ci`?");
}

#[test]
fn settings_come_from_one_place() {
    let folder = tempfile::tempdir().unwrap();
    let metadata = json!({ "mori": { "profile": { "default": { "lanes": 3 } } } });
    let loaded = load(folder.path(), &metadata).unwrap();
    assert_eq!(loaded.get("default").unwrap().lanes, Some(lanes(3)));
    assert_eq!(load(folder.path(), &Value::Null).unwrap(), Profiles::default());

    fs::create_dir(folder.path().join(".config")).unwrap();
    fs::write(folder.path().join(".config/mori.toml"), FILE).unwrap();
    assert_eq!(load(folder.path(), &Value::Null).unwrap().get("ci").unwrap().fail_fast, Some(false));
    assert!(matches!(load(folder.path(), &metadata), Err(SettingsError::BothPlaces { .. })));

    fs::write(folder.path().join(".config/mori.toml"), "[profile.default]\nlanes = \n").unwrap();
    assert!(matches!(
        load(folder.path(), &Value::Null),
        Err(SettingsError::Syntax { line: 2, .. })
    ));
}
