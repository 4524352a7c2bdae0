//! The payload of a cell: the part that lies in the b-tree page and the chain of overflow pages that holds the rest (section 1.7).

use super::DiffError;
use super::file::{File, be_u32};

/// A payload as its cell stores it. Two equal values from files that agree on all pages of the chain are the same payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Payload {
    /// Length in bytes, overflow included.
    pub len: u64,
    /// The bytes in the cell.
    pub local: Vec<u8>,
    /// The first overflow page, if `local` is not all.
    pub overflow: Option<u32>,
}

impl Payload {
    /// The first `len` bytes. Errors: `Corrupt` if the payload is shorter.
    pub fn prefix(&self, file: &File<'_>, page: u32, len: u64) -> Result<Vec<u8>, DiffError> {
        if len > self.len {
            return Err(file.corrupt(page, "record is longer than its payload"));
        }
        let mut reader = Reader::new(file, self)?;
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < len && reader.fill()? {
            bytes.append(&mut reader.chunk);
        }
        bytes.truncate(len as usize);
        Ok(bytes)
    }

    /// The numbers of the chain's pages, in order.
    pub fn chain(&self, file: &File<'_>) -> Result<Vec<u32>, DiffError> {
        let mut reader = Reader::new(file, self)?;
        let mut pages = Vec::new();
        while let Some(page) = reader.page_next {
            pages.push(page);
            reader.chunk.clear();
            reader.fill()?;
        }
        Ok(pages)
    }
}

/// Whether two payloads hold the same bytes. Reads the chains in step, so that no more than a page of each is in memory.
pub(super) fn equal(old: (&File<'_>, &Payload), new: (&File<'_>, &Payload)) -> Result<bool, DiffError> {
    if old.1.len != new.1.len {
        return Ok(false);
    }
    let mut old = Reader::new(old.0, old.1)?;
    let mut new = Reader::new(new.0, new.1)?;
    while old.fill()? && new.fill()? {
        let common = old.chunk.len().min(new.chunk.len());
        if old.chunk[..common] != new.chunk[..common] {
            return Ok(false);
        }
        old.chunk.drain(..common);
        new.chunk.drain(..common);
    }
    Ok(true)
}

/// Reads a payload piece by piece.
struct Reader<'a> {
    file: &'a File<'a>,
    chunk: Vec<u8>,
    /// Bytes not yet in `chunk`.
    left: u64,
    page_next: Option<u32>,
}

impl<'a> Reader<'a> {
    fn new(file: &'a File<'a>, payload: &Payload) -> Result<Reader<'a>, DiffError> {
        let left = payload.len.saturating_sub(payload.local.len() as u64);
        // Each page of the chain takes bytes off `left`, so this bound also ends a chain that runs in a circle.
        if let Some(page) = payload.overflow
            && left.div_ceil(file.usable as u64 - 4) > u64::from(file.page_count)
        {
            return Err(file.corrupt(page, "overflow chain would be longer than the file"));
        }
        Ok(Reader {
            file,
            chunk: payload.local.clone(),
            left,
            page_next: payload.overflow,
        })
    }

    /// Makes `chunk` non-empty if anything is left; false at the end of the payload.
    fn fill(&mut self) -> Result<bool, DiffError> {
        if !self.chunk.is_empty() {
            return Ok(true);
        }
        let Some(page) = self.page_next else { return Ok(false) };
        if page < 2 {
            return Err(self.file.corrupt(page, "overflow chain points at the header page"));
        }
        let mut bytes = self.file.page(page)?;
        let next = be_u32(&bytes, 0);
        let len = self.left.min(self.file.usable as u64 - 4);
        self.left -= len;
        bytes.truncate(4 + len as usize);
        bytes.drain(..4);
        self.chunk = bytes;
        self.page_next = match (self.left, next) {
            (0, _) => None,
            (_, 0) => return Err(self.file.corrupt(page, "overflow chain ends before its payload")),
            (_, next) => Some(next),
        };
        Ok(true)
    }
}
