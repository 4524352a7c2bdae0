//! What the user asked for, checked: nothing here can be wrong any more when it reaches the expansion.

use crate::parse;
use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::{Attribute, Error, FnArg, ItemFn, LitStr, Meta, Path, Result, Safety, Signature, Type};

pub(crate) struct TestModel {
    pub settings: Settings,
    /// In the order written, at least one.
    pub arguments: Vec<Argument>,
    /// The user's function without its attributes and without `#[mori]` on its arguments.
    pub function: ItemFn,
    /// The function's attributes, which keep their meaning on the test around it.
    pub attributes: Vec<Attribute>,
    pub should_panic: bool,
}

pub(crate) struct Argument {
    pub db: Option<LitStr>,
    pub ty: Type,
}

#[derive(Default)]
pub(crate) struct Settings {
    pub db: Option<LitStr>,
    pub migrations: Option<Migrations>,
    /// Relative to the folder of the source file.
    pub fixtures: Vec<LitStr>,
    pub seed: Option<Path>,
    pub isolation: Option<Isolation>,
    pub read_only: bool,
    pub keep: Option<Keep>,
    pub timeout_ms: Option<u64>,
    pub max_connections: Option<u32>,
    pub max_statements: Option<u32>,
    pub requires: Vec<Requirement>,
    pub runtime: Option<Runtime>,
}

pub(crate) enum Migrations {
    Folder(LitStr),
    Off,
}

#[derive(Clone, Copy)]
pub(crate) enum Isolation {
    Cow,
    Clone,
}

#[derive(Clone, Copy)]
pub(crate) enum Keep {
    OnFailure,
    Always,
    Never,
}

pub(crate) enum Requirement {
    Env(LitStr),
    Engine(LitStr),
    Docker,
}

pub(crate) enum Runtime {
    CurrentThread,
    MultiThread { worker_threads: Option<u32> },
}

const KEYS: [&str; 13] = [
    "db",
    "migrations",
    "migrator",
    "fixtures",
    "seed",
    "isolation",
    "read_only",
    "keep",
    "timeout",
    "max_connections",
    "max_statements",
    "requires",
    "tokio",
];

impl TestModel {
    /// Errors: all that is wrong with attribute and function, each at its own span.
    pub fn new(attribute: TokenStream, mut function: ItemFn) -> Result<TestModel> {
        let mut errors = Errors::default();
        let settings = errors
            .catch(parse::entries(attribute))
            .map(|entries| Settings::new(entries, &mut errors));
        let arguments = arguments(&mut function.sig, &mut errors);
        check_signature(&function.sig, &mut errors);
        let attributes = std::mem::take(&mut function.attrs);
        check_attributes(&attributes, &mut errors);
        if let Some(settings) = &settings
            && settings.runtime.is_some()
            && function.sig.asyncness.is_none()
        {
            errors.push(Error::new(function.sig.fn_token.span, "`tokio(…)` needs an `async fn`"));
        }
        errors.finish()?;
        Ok(TestModel {
            settings: settings.unwrap_or_default(),
            arguments,
            function,
            should_panic: attributes.iter().any(|attribute| attribute.path().is_ident("should_panic")),
            attributes,
        })
    }
}

impl Settings {
    fn new(entries: Vec<Meta>, errors: &mut Errors) -> Settings {
        let mut settings = Settings::default();
        let mut seen: Vec<String> = Vec::new();
        for entry in entries {
            let key = parse::key(&entry);
            // sqlx takes `fixtures` several times; for the rest a second value would silently win or lose.
            if key != "fixtures" && seen.contains(&key) {
                errors.push(Error::new(entry.path().span(), format!("`{key}` is given twice")));
            } else {
                errors.catch(settings.set(&key, &entry));
            }
            seen.push(key);
        }
        settings
    }

    fn set(&mut self, key: &str, entry: &Meta) -> Result<()> {
        match key {
            "db" => self.db = Some(parse::string(entry)?),
            "migrations" => self.migrations = Some(parse::string_or_false(entry)?.map_or(Migrations::Off, Migrations::Folder)),
            "migrator" => {
                let message = "`migrator` is not supported yet; name the folder: `migrations = \"path\"`";
                return Err(Error::new(entry.path().span(), message));
            }
            "fixtures" => self.fixtures.extend(parse::fixtures(entry)?),
            "seed" => self.seed = Some(parse::path(entry)?),
            "isolation" => self.isolation = Some(parse::word(entry, &[("cow", Isolation::Cow), ("clone", Isolation::Clone)])?),
            "read_only" => {
                parse::flag(entry)?;
                self.read_only = true;
            }
            "keep" => {
                let words = [("on-failure", Keep::OnFailure), ("always", Keep::Always), ("never", Keep::Never)];
                self.keep = Some(parse::word(entry, &words)?);
            }
            "timeout" => self.timeout_ms = Some(parse::duration_ms(entry)?),
            "max_connections" => self.max_connections = Some(parse::count(entry)?),
            "max_statements" => self.max_statements = Some(parse::count(entry)?),
            "requires" => {
                for requirement in parse::nested(entry)? {
                    self.requires.push(requirement_of(&requirement)?);
                }
            }
            "tokio" => self.runtime = Some(runtime(entry)?),
            _ => return Err(parse::unknown(entry, &KEYS)),
        }
        Ok(())
    }
}

fn requirement_of(entry: &Meta) -> Result<Requirement> {
    match parse::key(entry).as_str() {
        "env" => parse::string(entry).map(Requirement::Env),
        "docker" => parse::flag(entry).map(|()| Requirement::Docker),
        "engine" => {
            let engine = parse::string(entry)?;
            if engine.value().contains(['<', '>', '=']) {
                return Err(Error::new(
                    engine.span(),
                    "an engine's version cannot be required yet; name the engine alone",
                ));
            }
            Ok(Requirement::Engine(engine))
        }
        _ => Err(parse::unknown(entry, &["env", "docker", "engine"])),
    }
}

fn runtime(entry: &Meta) -> Result<Runtime> {
    #[derive(Clone, Copy, PartialEq)]
    enum Flavor {
        CurrentThread,
        MultiThread,
    }
    let (mut flavor, mut worker_threads) = (Flavor::CurrentThread, None);
    for entry in parse::nested(entry)? {
        match parse::key(&entry).as_str() {
            "flavor" => {
                flavor = parse::word(
                    &entry,
                    &[("current_thread", Flavor::CurrentThread), ("multi_thread", Flavor::MultiThread)],
                )?;
            }
            "worker_threads" => worker_threads = Some((parse::count(&entry)?, entry.path().span())),
            _ => return Err(parse::unknown(&entry, &["flavor", "worker_threads"])),
        }
    }
    match (flavor, worker_threads) {
        (Flavor::MultiThread, workers) => Ok(Runtime::MultiThread {
            worker_threads: workers.map(|(count, _)| count),
        }),
        (Flavor::CurrentThread, None) => Ok(Runtime::CurrentThread),
        (Flavor::CurrentThread, Some((_, span))) => Err(Error::new(span, "`worker_threads` needs `flavor = \"multi_thread\"`")),
    }
}

/// Reads the arguments, and takes `#[mori(…)]` off them, which the compiler would not know.
fn arguments(signature: &mut Signature, errors: &mut Errors) -> Vec<Argument> {
    let mut arguments = Vec::new();
    for input in &mut signature.inputs {
        match input {
            FnArg::Receiver(receiver) => errors.push(Error::new(receiver.span(), "a mori test is a function, not a method")),
            FnArg::Typed(argument) => {
                let mut db = None;
                for attribute in argument.attrs.extract_if(.., |attribute| attribute.path().is_ident("mori")) {
                    db = errors.catch(argument_db(&attribute)).or(db);
                }
                arguments.push(Argument {
                    db,
                    ty: (*argument.ty).clone(),
                });
            }
        }
    }
    arguments
}

fn argument_db(attribute: &Attribute) -> Result<LitStr> {
    let entries = parse::nested(&attribute.meta)?;
    if let Some(entry) = entries.iter().find(|entry| parse::key(entry) != "db") {
        return Err(parse::unknown(entry, &["db"]));
    }
    match entries.as_slice() {
        [entry] => parse::string(entry),
        _ => Err(Error::new(attribute.span(), "write `#[mori(db = \"name\")]`")),
    }
}

fn check_signature(signature: &Signature, errors: &mut Errors) {
    if signature.inputs.is_empty() {
        let message = "a mori test takes at least one argument, such as `db: mori::Db`; without one, `#[test]` is enough";
        errors.push(Error::new(signature.ident.span(), message));
    }
    if !signature.generics.params.is_empty() || signature.generics.where_clause.is_some() {
        errors.push(Error::new(signature.generics.span(), "a test cannot be generic"));
    }
    if let Some(token) = &signature.constness {
        errors.push(Error::new(token.span, "a test cannot be `const`"));
    }
    if !matches!(signature.safety, Safety::Default) {
        errors.push(Error::new(signature.safety.span(), "a test cannot be `unsafe`"));
    }
    if let Some(abi) = &signature.abi {
        errors.push(Error::new(abi.span(), "a test cannot be `extern`"));
    }
}

fn check_attributes(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in attributes {
        if attribute.path().segments.last().is_some_and(|segment| segment.ident == "test") {
            let message = "`#[mori::test]` makes the function a test already; remove this attribute";
            errors.push(Error::new(attribute.span(), message));
        }
    }
}

/// Everything that is wrong, so that the user meets it in one go.
#[derive(Default)]
struct Errors(Option<Error>);

impl Errors {
    fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    fn catch<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    fn finish(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
