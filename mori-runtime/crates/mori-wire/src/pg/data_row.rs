//! Writing a row of a result straight into the bytes that go out.

use super::types::{EncodeError, ScalarRef, encode};
use super::writer::{begin, count, end, patch_len};
use super::{Format, LimitError, Oid};

/// One `DataRow` under construction. Values are appended in column order; nothing is allocated for a row beyond the growth of
/// the output. A writer dropped before [`finish`](Self::finish) takes back what it wrote, so a row that fails leaves no bytes.
#[must_use = "a row that is not finished is taken back"]
pub struct DataRowWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    /// Values still to come.
    missing: usize,
    finished: bool,
}

impl<'a> DataRowWriter<'a> {
    /// Starts a row of `columns` values. Errors: more than 65535.
    pub fn begin(out: &'a mut Vec<u8>, columns: usize) -> Result<DataRowWriter<'a>, LimitError> {
        let columns_word = count("DataRow column count", columns)?;
        let start = begin(out, b'D');
        out.extend(columns_word);
        Ok(DataRowWriter {
            out,
            start,
            missing: columns,
            finished: false,
        })
    }

    /// The next value is NULL. Panics if the row is full: that is the caller's mistake and would break the stream.
    pub fn null(&mut self) {
        self.take_place();
        self.out.extend((-1_i32).to_be_bytes());
    }

    /// The next value is what `write` appends. Errors: those of `write`, and a value longer than 2 GiB; its place in the row is then
    /// still free. Panics as [`null`](Self::null) does.
    pub fn value<E: From<LimitError>>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        self.take_place();
        let at = self.out.len();
        self.out.extend([0; 4]);
        let written = write(self.out).and_then(|()| Ok(patch_len(self.out, at, at + 4, "DataRow value length")?));
        written.inspect_err(|_| {
            self.out.truncate(at);
            self.missing += 1;
        })
    }

    /// The next value is `value`, as type `oid` in `format`; NULL is a value like any other here.
    pub fn scalar(&mut self, value: ScalarRef<'_>, oid: Oid, format: Format) -> Result<(), EncodeError> {
        match value {
            ScalarRef::Null => {
                self.null();
                Ok(())
            }
            value => self.value(|out| encode(out, value, oid, format)),
        }
    }

    /// Ends the row. Errors: it is longer than 2 GiB. Panics if values are missing.
    pub fn finish(mut self) -> Result<(), LimitError> {
        assert_eq!(self.missing, 0, "a row has as many values as it was begun with");
        end(self.out, self.start)?;
        self.finished = true;
        Ok(())
    }

    fn take_place(&mut self) {
        self.missing = self.missing.checked_sub(1).expect("a row has as many values as it was begun with");
    }
}

impl Drop for DataRowWriter<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.out.truncate(self.start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_written_in_place() {
        let mut out = b"x".to_vec();
        let mut row = DataRowWriter::begin(&mut out, 3).unwrap();
        row.scalar(ScalarRef::Int(7), Oid::INT4, Format::Text).unwrap();
        row.null();
        row.value::<LimitError>(|out| {
            out.extend(b"abc");
            Ok(())
        })
        .unwrap();
        row.finish().unwrap();
        assert_eq!(out, b"xD\0\0\0\x16\0\x03\0\0\0\x017\xff\xff\xff\xff\0\0\0\x03abc");
    }

    #[test]
    fn a_row_that_fails_leaves_no_bytes() {
        let mut out = b"x".to_vec();
        let mut row = DataRowWriter::begin(&mut out, 2).unwrap();
        row.scalar(ScalarRef::Int(1), Oid::INT4, Format::Binary).unwrap();
        let error = row.scalar(ScalarRef::Text("no number"), Oid::INT4, Format::Binary).unwrap_err();
        assert_eq!(error.sqlstate().code(), "22P02");
        drop(row);
        assert_eq!(out, b"x");
    }

    #[test]
    fn a_value_that_fails_leaves_its_place_free() {
        let mut out = Vec::new();
        let mut row = DataRowWriter::begin(&mut out, 1).unwrap();
        row.scalar(ScalarRef::Text("no number"), Oid::INT4, Format::Binary).unwrap_err();
        row.null();
        row.finish().unwrap();
        assert_eq!(out, b"D\0\0\0\x0a\0\x01\xff\xff\xff\xff");
    }

    #[test]
    fn too_many_columns_are_refused() {
        let mut out = Vec::new();
        assert!(DataRowWriter::begin(&mut out, 65_536).is_err());
        assert!(DataRowWriter::begin(&mut out, 65_535).is_ok());
        assert!(out.is_empty());
    }

    #[test]
    #[should_panic(expected = "as many values")]
    fn a_value_too_many_is_our_mistake() {
        let mut out = Vec::new();
        DataRowWriter::begin(&mut out, 0).unwrap().null();
    }
}
