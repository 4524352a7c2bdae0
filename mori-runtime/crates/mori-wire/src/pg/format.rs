//! The two forms of a value, and the short lists in which a client asks for them.

use super::DecodeError;
use super::reader::Reader;

/// How a value is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    #[default]
    Text,
    Binary,
}

impl Format {
    /// The number of the format on the wire.
    pub fn code(self) -> i16 {
        match self {
            Format::Text => 0,
            Format::Binary => 1,
        }
    }

    pub fn from_code(code: i16) -> Result<Format, DecodeError> {
        match code {
            0 => Ok(Format::Text),
            1 => Ok(Format::Binary),
            code => Err(DecodeError::FormatCode { code }),
        }
    }
}

/// The formats of a row of values: no code means text for all, one code holds for all, else there is one for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FormatCodes {
    #[default]
    AllText,
    All(Format),
    Each(Vec<Format>),
}

impl FormatCodes {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<FormatCodes, DecodeError> {
        match reader.count(2)? {
            0 => Ok(FormatCodes::AllText),
            1 => Format::from_code(reader.i16()?).map(FormatCodes::All),
            count => (0..count)
                .map(|_| Format::from_code(reader.i16()?))
                .collect::<Result<_, _>>()
                .map(FormatCodes::Each),
        }
    }

    /// How many codes the client sent.
    pub fn count(&self) -> usize {
        match self {
            FormatCodes::AllText => 0,
            FormatCodes::All(_) => 1,
            FormatCodes::Each(formats) => formats.len(),
        }
    }

    /// Whether the list can describe a row of `values` values.
    pub fn fits(&self, values: usize) -> bool {
        match self {
            FormatCodes::Each(formats) => formats.len() == values,
            FormatCodes::AllText | FormatCodes::All(_) => true,
        }
    }

    /// Refuses a list of result formats that does not fit the `columns` of the statement, in PostgreSQL's words.
    pub fn check_columns(&self, columns: usize) -> Result<(), DecodeError> {
        if self.fits(columns) {
            Ok(())
        } else {
            Err(DecodeError::ResultFormats {
                formats: self.count(),
                columns,
            })
        }
    }

    /// The format of the value at `index`; text where the list does not reach, which a list that [`fits`](Self::fits) never shows.
    pub fn get(&self, index: usize) -> Format {
        match self {
            FormatCodes::AllText => Format::Text,
            FormatCodes::All(format) => *format,
            FormatCodes::Each(formats) => formats.get(index).copied().unwrap_or_default(),
        }
    }
}
