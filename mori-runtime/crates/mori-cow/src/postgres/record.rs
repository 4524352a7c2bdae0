//! The text form of a row, as PostgreSQL's `record_out` writes it and `record_in` reads it
//! (<https://www.postgresql.org/docs/current/rowtypes.html#ROWTYPES-IO-SYNTAX>).

/// A text that is not the text form of a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("row image does not begin with `(`")]
    NoStart,
    #[error("row image ends inside field {field}")]
    Unfinished { field: usize },
    #[error("row image goes on behind its end, at byte {position}")]
    Junk { position: usize },
}

/// The fields of a row, `None` for NULL.
///
/// A row without columns and a row with one NULL have the same text, `()`, which is read as the latter.
pub fn fields(text: &str) -> Result<Vec<Option<String>>, RecordError> {
    let text = text.trim_ascii();
    let body = text.strip_prefix('(').ok_or(RecordError::NoStart)?;
    let mut fields = Vec::new();
    let mut field = String::new();
    // NULL is a field without any character; the empty string is written as `""`.
    let mut is_null = true;
    let mut is_quoted = false;
    let mut characters = body.char_indices().peekable();
    while let Some((position, character)) = characters.next() {
        match character {
            ',' | ')' if !is_quoted => {
                let done = std::mem::take(&mut field);
                fields.push((!is_null).then_some(done));
                is_null = true;
                if character == ')' {
                    return match characters.next() {
                        None => Ok(fields),
                        Some(_) => Err(RecordError::Junk { position: position + 2 }),
                    };
                }
                continue;
            }
            '\\' => match characters.next() {
                Some((_, escaped)) => field.push(escaped),
                None => break,
            },
            '"' if is_quoted && characters.next_if(|(_, next)| *next == '"').is_some() => field.push('"'),
            '"' => is_quoted = !is_quoted,
            other => field.push(other),
        }
        is_null = false;
    }
    Err(RecordError::Unfinished { field: fields.len() })
}
