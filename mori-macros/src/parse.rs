//! The forms a key may take, without knowing which keys there are. Each error points at the token that is wrong.

use crate::suggest::hint;
use proc_macro2::TokenStream;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, Lit, LitStr, Meta, Path, Result, Token};

type Entries = Punctuated<Meta, Token![,]>;

/// The attribute's entries in the order written.
pub(crate) fn entries(tokens: TokenStream) -> Result<Vec<Meta>> {
    use syn::parse::Parser;
    Ok(Entries::parse_terminated.parse2(tokens)?.into_iter().collect())
}

/// The entries inside the parentheses of `key(…)`.
pub(crate) fn nested(meta: &Meta) -> Result<Vec<Meta>> {
    Ok(meta
        .require_list()?
        .parse_args_with(Entries::parse_terminated)?
        .into_iter()
        .collect())
}

/// The key's name; empty for a path of several segments, which no key is.
pub(crate) fn key(meta: &Meta) -> String {
    meta.path().get_ident().map(ToString::to_string).unwrap_or_default()
}

pub(crate) fn unknown(meta: &Meta, known: &[&str]) -> Error {
    let path = meta.path();
    let written = path
        .segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .collect::<Vec<_>>()
        .join("::");
    Error::new(path.span(), format!("unknown key `{written}`; {}", hint(&written, known)))
}

/// A key that stands alone: `read_only`.
pub(crate) fn flag(meta: &Meta) -> Result<()> {
    match meta {
        Meta::Path(_) => Ok(()),
        other => Err(Error::new(other.span(), format!("`{0}` stands alone: write `{0}`", key(meta)))),
    }
}

fn literal(meta: &Meta) -> Result<&Lit> {
    match &meta.require_name_value()?.value {
        Expr::Lit(ExprLit { lit, .. }) => Ok(lit),
        other => Err(Error::new(other.span(), format!("`{}` takes a literal", key(meta)))),
    }
}

pub(crate) fn string(meta: &Meta) -> Result<LitStr> {
    match literal(meta)? {
        Lit::Str(text) => Ok(text.clone()),
        other => Err(Error::new(other.span(), format!("`{}` takes a string", key(meta)))),
    }
}

/// A whole number from 1 to `u32::MAX`.
pub(crate) fn count(meta: &Meta) -> Result<u32> {
    let lit = literal(meta)?;
    let refuse = || Error::new(lit.span(), format!("`{}` takes a whole number from 1 to {}", key(meta), u32::MAX));
    match lit {
        Lit::Int(number) => number.base10_parse::<u32>().ok().filter(|number| *number > 0).ok_or_else(refuse),
        _ => Err(refuse()),
    }
}

/// One of the given words, as a string.
pub(crate) fn word<T: Copy>(meta: &Meta, words: &[(&str, T)]) -> Result<T> {
    let text = string(meta)?;
    let given = text.value();
    words
        .iter()
        .find(|(word, _)| *word == given)
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Error::new(
                text.span(),
                format!("`{}` cannot be `{given}`; {}", key(meta), hint(&given, &known)),
            )
        })
}

pub(crate) fn path(meta: &Meta) -> Result<Path> {
    match &meta.require_name_value()?.value {
        Expr::Path(path) if path.qself.is_none() => Ok(path.path.clone()),
        other => Err(Error::new(other.span(), format!("`{}` takes the path of a function", key(meta)))),
    }
}

/// A string or the word `false`; `None` for the latter.
pub(crate) fn string_or_false(meta: &Meta) -> Result<Option<LitStr>> {
    match literal(meta)? {
        Lit::Str(text) => Ok(Some(text.clone())),
        Lit::Bool(value) if !value.value => Ok(None),
        other => Err(Error::new(
            other.span(),
            format!("`{}` takes a path as string, or `false`", key(meta)),
        )),
    }
}

/// `"30s"`, `"500ms"`, `"2m"`, in milliseconds.
pub(crate) fn duration_ms(meta: &Meta) -> Result<u64> {
    let text = string(meta)?;
    let given = text.value();
    let digits = given.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &given[digits.len()..] {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        _ => None,
    };
    let number = digits.parse::<u64>().ok().filter(|number| *number > 0);
    number
        .zip(factor)
        .and_then(|(number, factor)| number.checked_mul(factor))
        .ok_or_else(|| {
            Error::new(
                text.span(),
                format!("`{}` takes a duration such as \"30s\", \"500ms\" or \"2m\"", key(meta)),
            )
        })
}

/// sqlx's three forms, as paths relative to the folder of the source file: a bare name, a path that ends in `.sql`, and
/// `path = "folder", scripts("name", …)`.
pub(crate) fn fixtures(meta: &Meta) -> Result<Vec<LitStr>> {
    let list = meta.require_list()?;
    if let Ok(names) = list.parse_args_with(Punctuated::<LitStr, Token![,]>::parse_terminated) {
        return names.iter().map(fixture).collect();
    }
    let (mut folder, mut scripts) = (None, None);
    for entry in nested(meta)? {
        match key(&entry).as_str() {
            "path" => folder = Some(string(&entry)?),
            "scripts" => {
                scripts = Some(
                    entry
                        .require_list()?
                        .parse_args_with(Punctuated::<LitStr, Token![,]>::parse_terminated)?,
                )
            }
            _ => return Err(unknown(&entry, &["path", "scripts"])),
        }
    }
    match (folder, scripts) {
        (Some(folder), Some(scripts)) => scripts.iter().map(|script| fixture_in(&folder.value(), script)).collect(),
        _ => Err(Error::new(
            list.path.span(),
            "`fixtures` takes file names, or `path = \"folder\", scripts(\"name\", …)`",
        )),
    }
}

fn fixture(written: &LitStr) -> Result<LitStr> {
    let text = written.value();
    if !text.contains('/') && !text.ends_with(".redis") {
        return fixture_in("fixtures", written);
    }
    if !text.contains('/') {
        return Ok(LitStr::new(&format!("fixtures/{text}"), written.span()));
    }
    if !text.ends_with(".sql") && !text.ends_with(".redis") {
        return Err(Error::new(
            written.span(),
            "a fixture's path ends in `.sql`; a bare name stands for `fixtures/<name>.sql`",
        ));
    }
    Ok(LitStr::new(text.strip_prefix("./").unwrap_or(&text), written.span()))
}

fn fixture_in(folder: &str, script: &LitStr) -> Result<LitStr> {
    let text = script.value();
    let name = text.strip_suffix(".sql").unwrap_or(&text);
    if name.is_empty() {
        return Err(Error::new(script.span(), "a fixture needs a name"));
    }
    let folder = folder.strip_prefix("./").unwrap_or(folder).trim_end_matches('/');
    Ok(LitStr::new(&format!("{folder}/{name}.sql"), script.span()))
}
