//! One database file: the traits through which its pages come, and what its header says of their layout.

use super::{DiffError, Side, TextEncoding};

/// A consistent view of the pages of one database file.
pub trait Pages {
    type Error: std::error::Error + Send + Sync + 'static;

    /// Bytes in a page: a power of two from 512 to 65536.
    fn page_size(&self) -> u32;

    /// Pages in the database; 0 for an empty file.
    fn page_count(&self) -> u32;

    /// Reads page `number`, counted from 1, into `buffer`, which is one page long.
    fn read(&self, number: u32, buffer: &mut [u8]) -> Result<(), Self::Error>;
}

/// Which pages the new file has written since it branched off the old one.
///
/// Contract: a page that is not changed has the same bytes in both files. A changed page may have the same bytes too.
pub trait Changed {
    fn is_changed(&self, page: u32) -> bool;

    /// All changed pages, in any order.
    fn changed_pages(&self) -> Vec<u32>;
}

impl Changed for std::collections::BTreeSet<u32> {
    fn is_changed(&self, page: u32) -> bool {
        self.contains(&page)
    }

    fn changed_pages(&self) -> Vec<u32> {
        self.iter().copied().collect()
    }
}

/// [`Pages::read`] without the type of its error, so that all code below is compiled once.
pub(super) type ReadPage<'a> = dyn Fn(u32, &mut [u8]) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + 'a;

/// A file whose header has been read.
pub(super) struct File<'a> {
    pub side: Side,
    /// Bytes in a page.
    pub page_size: usize,
    /// Bytes of a page before the part reserved for extensions, at least 480.
    pub usable: usize,
    pub page_count: u32,
    pub encoding: TextEncoding,
    /// The first page of the list of free pages, 0 if there is none.
    pub freelist: u32,
    auto_vacuum: bool,
    read: &'a ReadPage<'a>,
}

const MAGIC: &[u8] = b"SQLite format 3\0";

/// The byte that file locks are taken on; its page holds no data.
const LOCK_BYTE: u32 = 0x4000_0000;

impl<'a> File<'a> {
    /// Reads the header of page 1 (section 1.3), unless the file is empty.
    pub fn open(side: Side, page_size: u32, page_count: u32, read: &'a ReadPage<'a>) -> Result<File<'a>, DiffError> {
        let mut file = File {
            side,
            page_size: page_size as usize,
            usable: page_size as usize,
            page_count,
            encoding: TextEncoding::Utf8,
            freelist: 0,
            auto_vacuum: false,
            read,
        };
        if !page_size.is_power_of_two() || !(512..=65536).contains(&page_size) {
            return Err(file.corrupt(1, "page size is not a power of two from 512 to 65536"));
        }
        if page_count == 0 {
            return Ok(file);
        }
        let header = file.page(1)?;
        if !header.starts_with(MAGIC) {
            return Err(file.corrupt(1, "header string is missing"));
        }
        let stored_size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65536,
            size => u32::from(size),
        };
        if stored_size != page_size {
            return Err(file.corrupt(1, "page size differs from the header's"));
        }
        file.usable = file.page_size - usize::from(header[20]);
        if file.usable < 480 {
            return Err(file.corrupt(1, "usable size is below 480 bytes"));
        }
        file.freelist = be_u32(&header, 32);
        file.auto_vacuum = be_u32(&header, 52) != 0;
        file.encoding = match be_u32(&header, 56) {
            // 0 stands in a database in which nothing was ever created.
            0 | 1 => TextEncoding::Utf8,
            2 => TextEncoding::Utf16Le,
            3 => TextEncoding::Utf16Be,
            _ => return Err(file.corrupt(1, "text encoding is unknown")),
        };
        Ok(file)
    }

    /// Reads one page. A number outside the file is `Corrupt`: it can only come from a pointer in the file or from the caller's roots.
    pub fn page(&self, number: u32) -> Result<Vec<u8>, DiffError> {
        if number == 0 || number > self.page_count {
            return Err(self.corrupt(number, "page is referred to but not in the file"));
        }
        let mut bytes = vec![0; self.page_size];
        (self.read)(number, &mut bytes).map_err(|source| DiffError::Read {
            side: self.side,
            page: number,
            source,
        })?;
        Ok(bytes)
    }

    /// Whether equal bytes mean equal content in both files.
    pub fn same_layout(&self, other: &File<'_>) -> bool {
        self.page_size == other.page_size && self.usable == other.usable
    }

    /// Whether a page never holds a b-tree, an overflow chain or a free page: the lock-byte page and the pointer-map pages
    /// of an auto-vacuum database (section 1.8).
    pub fn is_reserved(&self, number: u32) -> bool {
        let lock_page = LOCK_BYTE / self.page_size as u32 + 1;
        if number == lock_page {
            return true;
        }
        if !self.auto_vacuum || number < 2 {
            return false;
        }
        let pages_per_map = self.usable as u32 / 5 + 1;
        let map = (number - 2) / pages_per_map * pages_per_map + 2;
        // A map that would fall on the lock-byte page follows it.
        number == if map == lock_page { map + 1 } else { map }
    }

    pub fn corrupt(&self, page: u32, what: &'static str) -> DiffError {
        DiffError::Corrupt {
            side: self.side,
            page,
            what,
        }
    }
}

/// The four bytes at `at` as a big-endian number. The caller has checked that they are there.
pub(super) fn be_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reserved pages among those from `from` on, of a file with nothing but a header.
    #[track_caller]
    fn check(page_size: u32, auto_vacuum: u8, pages: std::ops::Range<u32>, reserved: &[u32]) {
        let read = |_: u32, buffer: &mut [u8]| {
            buffer[..16].copy_from_slice(MAGIC);
            buffer[16..18].copy_from_slice(&(page_size as u16).to_be_bytes());
            buffer[55] = auto_vacuum;
            Ok(())
        };
        let file = File::open(Side::New, page_size, pages.end, &read).unwrap();
        assert_eq!(pages.filter(|page| file.is_reserved(*page)).collect::<Vec<_>>(), reserved);
    }

    #[test]
    fn pointer_maps_and_the_lock_byte_page_are_reserved() {
        check(512, 0, 1..300, &[]);
        check(512, 1, 1..300, &[2, 105, 208]);
        check(4096, 0, 262_000..262_300, &[262_145]);
        // Pointer maps stand every 820 pages; a file of this size is 1 GiB long.
        check(4096, 1, 261_500..263_300, &[261_582, 262_145, 262_402, 263_222]);
        // With pages of 1024 bytes a map would fall on the lock-byte page, and follows it.
        check(1024, 1, 1_048_570..1_048_600, &[1_048_577, 1_048_578]);
    }
}
