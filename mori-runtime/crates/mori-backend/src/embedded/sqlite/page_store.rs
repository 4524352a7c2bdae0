//! The pages a lane has written: a sparse file laid out like the database, and a map that says which blocks are in it.

use super::layer::{Layer, read_or_zero};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

const MAP_MAGIC: &[u8; 8] = b"morimap1";
/// Magic, block size, state, length, limit of what is seen of the layer below.
const MAP_HEADER_BYTES: u64 = 32;
/// The store is as the layer below, whatever the words and the block size in the map say.
const STATE_CLEAN: u8 = 1;
const STATE_WRITTEN: u8 = 0;
/// As `STATE_CLEAN`, and the journals beside the store may belong to what it held before: they go first. Written before a store is
/// cleared, so that a process that dies in the middle of it leaves a cleared store.
const STATE_CLEARING: u8 = 2;

/// Written pages over a layer. Single writer; the caller locks.
#[derive(Debug)]
pub struct PageStore {
    data: File,
    block_bytes: u32,
    /// One bit a block, set if the block is in `data`.
    present: Vec<u64>,
    /// The set bits, in the order they were set.
    blocks: Vec<u32>,
    /// Length of the database file as the lane sees it.
    len_bytes: u64,
    /// Blocks that start at or behind this offset were cut off once, and are not seen of the layer below again.
    below_limit_bytes: u64,
    /// The map on disk, for lanes that outlive the process.
    map: Option<File>,
    /// What the map on disk says.
    state: u8,
}

/// All written pages of a lane at one moment.
#[derive(Debug, Clone)]
pub struct PageImage {
    blocks: Vec<(u32, Box<[u8]>)>,
    len_bytes: u64,
    below_limit_bytes: u64,
}

impl PageStore {
    /// A store without a map on disk: it ends with the process. `data` is truncated.
    pub fn volatile(data: &Path, below: &Layer) -> io::Result<PageStore> {
        let data = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(data)?;
        Ok(PageStore {
            data,
            block_bytes: below.block_bytes(),
            present: Vec::new(),
            blocks: Vec::new(),
            len_bytes: below.len_bytes(),
            below_limit_bytes: below.len_bytes(),
            map: None,
            state: STATE_CLEAN,
        })
    }

    /// A store that is there again after the process has ended, in whatever way. Created where it does not exist.
    ///
    /// Errors: `InvalidData` if the map is not one of ours or belongs to another page size.
    pub fn durable(data: &Path, map: &Path, below: &Layer) -> io::Result<PageStore> {
        let data = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(data)?;
        let map = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(map)?;
        let mut store = PageStore {
            data,
            block_bytes: below.block_bytes(),
            present: Vec::new(),
            blocks: Vec::new(),
            len_bytes: below.len_bytes(),
            below_limit_bytes: below.len_bytes(),
            map: None,
            state: STATE_CLEAN,
        };
        if map.metadata()?.len() >= MAP_HEADER_BYTES {
            store.load_map(&map)?;
            store.map = Some(map);
            if store.state == STATE_CLEAN {
                store.settle(below)?;
            }
        } else {
            store.map = Some(map);
            store.write_header(STATE_CLEAN, store.len_bytes, store.below_limit_bytes)?;
        }
        Ok(store)
    }

    /// Whether the clearing of the store was cut short. Its journals must be removed, and `clear` be called, before anyone opens it.
    pub fn is_clearing(&self) -> bool {
        self.state == STATE_CLEARING
    }

    /// Leaves nothing of what was written. Wherever an error ends it, what is known here and the map say the same: the words go all at
    /// once, and nothing else is asked for a block whose bit is not set.
    fn settle(&mut self, below: &Layer) -> io::Result<()> {
        if let Some(map) = &self.map {
            map.set_len(MAP_HEADER_BYTES)?;
        }
        self.present.clear();
        self.blocks.clear();
        (self.len_bytes, self.below_limit_bytes) = (below.len_bytes(), below.len_bytes());
        self.data.set_len(0)?;
        self.write_header(STATE_CLEAN, self.len_bytes, self.below_limit_bytes)?;
        self.sync_map()
    }

    /// Says on disk, before the journals are removed, that nothing written counts any more. A process that dies between here and the
    /// end of `clear` leaves a cleared store; one that died before it, the store as it was.
    pub fn begin_clearing(&mut self, below: &Layer) -> io::Result<()> {
        if self.is_clean(below) {
            return Ok(());
        }
        self.write_header(STATE_CLEARING, self.len_bytes, self.below_limit_bytes)?;
        self.sync_map()
    }

    /// The journals could not be removed, so that the store stays as it is.
    pub fn abort_clearing(&mut self, below: &Layer) -> io::Result<()> {
        if self.is_clean(below) {
            return Ok(());
        }
        self.write_header(STATE_WRITTEN, self.len_bytes, self.below_limit_bytes)
    }

    /// The map of a store whose clearing was cut short.
    pub fn map_of_a_clearing() -> [u8; MAP_HEADER_BYTES as usize] {
        map_header(0, STATE_CLEARING, 0, 0)
    }

    pub fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    pub fn block_bytes(&self) -> u32 {
        self.block_bytes
    }

    /// The written blocks, from 0, in no order.
    pub fn blocks(&self) -> &[u32] {
        &self.blocks
    }

    pub fn has(&self, block: u32) -> bool {
        self.present
            .get(block as usize / 64)
            .is_some_and(|word| word & (1 << (block % 64)) != 0)
    }

    /// True if the store does not differ from the layer below.
    pub fn is_clean(&self, below: &Layer) -> bool {
        self.blocks.is_empty() && self.len_bytes == below.len_bytes() && self.below_limit_bytes == below.len_bytes()
    }

    /// Reads the part of a block from `within` on, from here or from below.
    pub fn read_block(&self, below: &Layer, block: u32, within: usize, buffer: &mut [u8]) -> io::Result<()> {
        let offset = self.offset(block);
        if self.has(block) {
            read_or_zero(&self.data, offset + within as u64, buffer)
        } else if offset < self.below_limit_bytes {
            below.read_block(block, within, buffer)
        } else {
            buffer.fill(0);
            Ok(())
        }
    }

    /// Reads `buffer.len()` bytes at `offset`; returns how many of them lie inside the file, the rest is zero.
    pub fn read_at(&self, below: &Layer, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let inside = self.len_bytes.saturating_sub(offset).min(buffer.len() as u64) as usize;
        buffer[inside..].fill(0);
        let mut done = 0;
        while done < inside {
            let (block, within, len) = self.piece(offset + done as u64, inside - done)?;
            self.read_block(below, block, within, &mut buffer[done..done + len])?;
            done += len;
        }
        Ok(inside)
    }

    /// Writes `bytes` at `offset`. A block that is written in part is first completed from below.
    pub fn write_at(&mut self, below: &Layer, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            let (block, _, len) = self.piece(at, bytes.len() - done)?;
            if len < self.block_bytes as usize && !self.has(block) {
                let mut whole = vec![0; self.block_bytes as usize];
                self.read_block(below, block, 0, &mut whole)?;
                self.data.write_all_at(&whole, self.offset(block))?;
            }
            self.data.write_all_at(&bytes[done..done + len], at)?;
            // The bit follows the bytes: a process that dies between the two leaves the block as it was below, and the
            // journal, which is still there, puts it back.
            self.mark(block)?;
            done += len;
        }
        let end = offset + bytes.len() as u64;
        if end > self.len_bytes {
            self.write_header(STATE_WRITTEN, end, self.below_limit_bytes)?;
        }
        Ok(())
    }

    pub fn truncate(&mut self, len_bytes: u64) -> io::Result<()> {
        let mut below_limit_bytes = self.below_limit_bytes;
        if len_bytes < self.len_bytes {
            below_limit_bytes = below_limit_bytes.min(len_bytes);
            let keep = len_bytes.div_ceil(u64::from(self.block_bytes));
            let mut words = BTreeSet::new();
            for block in self.blocks.extract_if(.., |block| u64::from(*block) >= keep) {
                self.present[block as usize / 64] &= !(1 << (block % 64));
                words.insert(block as usize / 64);
            }
            for word in words {
                self.write_map_word(word)?;
            }
        }
        self.write_header(STATE_WRITTEN, len_bytes, below_limit_bytes)
    }

    pub fn sync(&self) -> io::Result<()> {
        self.data.sync_data()?;
        self.sync_map()
    }

    fn sync_map(&self) -> io::Result<()> {
        self.map.as_ref().map_or(Ok(()), File::sync_data)
    }

    /// Drops every page written: the file is that of the layer below again. Comes after `begin_clearing` and the removal of the journals.
    pub fn clear(&mut self, below: &Layer) -> io::Result<()> {
        if self.is_clean(below) && !self.is_clearing() {
            return Ok(());
        }
        self.settle(below)
    }

    /// Follows another layer below. The store must be clear.
    pub fn follow(&mut self, below: &Layer) -> io::Result<()> {
        self.block_bytes = below.block_bytes();
        self.write_header(STATE_CLEAN, below.len_bytes(), below.len_bytes())
    }

    /// A copy of all written pages. Cost by pages written.
    pub fn capture(&self) -> io::Result<PageImage> {
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let mut bytes = vec![0; self.block_bytes as usize].into_boxed_slice();
            read_or_zero(&self.data, self.offset(*block), &mut bytes)?;
            blocks.push((*block, bytes));
        }
        Ok(PageImage {
            blocks,
            len_bytes: self.len_bytes,
            below_limit_bytes: self.below_limit_bytes,
        })
    }

    /// Puts back what `capture` took, after `begin_clearing` and the removal of the journals. Cost by pages written, now and then. A
    /// process that dies meanwhile leaves a cleared store: the map says so until all pages are there.
    pub fn put_back(&mut self, below: &Layer, image: &PageImage) -> io::Result<()> {
        self.clear(below)?;
        for (block, bytes) in &image.blocks {
            self.data.write_all_at(bytes, self.offset(*block))?;
            self.set_bit(*block)?;
        }
        if self.map.is_some() {
            self.sync()?;
        }
        self.write_header(STATE_WRITTEN, image.len_bytes, image.below_limit_bytes)?;
        self.sync_map()
    }

    fn offset(&self, block: u32) -> u64 {
        u64::from(block) * u64::from(self.block_bytes)
    }

    /// The block at a file offset, the offset in it, and how many of `len` bytes lie in it.
    fn piece(&self, offset: u64, len: usize) -> io::Result<(u32, usize, usize)> {
        let size = u64::from(self.block_bytes);
        let block = u32::try_from(offset / size).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        let within = (offset % size) as usize;
        Ok((block, within, len.min(size as usize - within)))
    }

    /// The block is in `data`, and counts.
    fn mark(&mut self, block: u32) -> io::Result<()> {
        self.set_bit(block)?;
        if self.state == STATE_WRITTEN {
            Ok(())
        } else {
            self.write_header(STATE_WRITTEN, self.len_bytes, self.below_limit_bytes)
        }
    }

    /// What is known here follows what is on disk: where the disk is full, a bit that could not be written is not taken for set, or
    /// the next write to its block would count on it.
    fn set_bit(&mut self, block: u32) -> io::Result<()> {
        let word = block as usize / 64;
        if !self.has(block) {
            if self.present.len() <= word {
                self.present.resize(word + 1, 0);
            }
            let bits = self.present[word] | 1 << (block % 64);
            self.write_word(word, bits)?;
            self.present[word] = bits;
            self.blocks.push(block);
        }
        Ok(())
    }

    fn write_map_word(&self, word: usize) -> io::Result<()> {
        self.write_word(word, self.present[word])
    }

    fn write_word(&self, word: usize, bits: u64) -> io::Result<()> {
        match &self.map {
            Some(map) => map.write_all_at(&bits.to_le_bytes(), MAP_HEADER_BYTES + 8 * word as u64),
            None => Ok(()),
        }
    }

    /// Writes the map's header, and once it is written takes its values over.
    fn write_header(&mut self, state: u8, len_bytes: u64, below_limit_bytes: u64) -> io::Result<()> {
        if let Some(map) = &self.map {
            map.write_all_at(&map_header(self.block_bytes, state, len_bytes, below_limit_bytes), 0)?;
        }
        self.state = state;
        self.len_bytes = len_bytes;
        self.below_limit_bytes = below_limit_bytes;
        Ok(())
    }

    fn load_map(&mut self, map: &File) -> io::Result<()> {
        let invalid = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        let len = map.metadata()?.len();
        let mut bytes = vec![0; usize::try_from(len).map_err(|_| invalid("the page map is too large"))?];
        map.read_exact_at(&mut bytes, 0)?;
        let (header, words) = bytes.split_at(MAP_HEADER_BYTES as usize);
        let number = |at: usize| header[at..at + 8].try_into().map(u64::from_le_bytes).unwrap_or_default();
        if &header[..8] != MAP_MAGIC {
            return Err(invalid("not a page map"));
        }
        if header[12] == STATE_CLEAN || header[12] == STATE_CLEARING {
            // A cleared store fits any layer below, also one of another page size that took the place of the last one since.
            self.state = header[12];
            return Ok(());
        }
        if header[8..12] != self.block_bytes.to_le_bytes() {
            return Err(invalid("the page map belongs to a database of another page size"));
        }
        self.state = STATE_WRITTEN;
        self.len_bytes = number(16);
        self.below_limit_bytes = number(24);
        self.present = words
            .chunks_exact(8)
            .map(|word| word.try_into().map(u64::from_le_bytes).unwrap_or_default())
            .collect();
        for (index, word) in self.present.iter().enumerate() {
            for bit in (0..64).filter(|bit| word & (1 << bit) != 0) {
                self.blocks.push((index * 64 + bit) as u32);
            }
        }
        Ok(())
    }
}

fn map_header(block_bytes: u32, state: u8, len_bytes: u64, below_limit_bytes: u64) -> [u8; MAP_HEADER_BYTES as usize] {
    let mut header = [0u8; MAP_HEADER_BYTES as usize];
    header[..8].copy_from_slice(MAP_MAGIC);
    header[8..12].copy_from_slice(&block_bytes.to_le_bytes());
    header[12] = state;
    header[16..24].copy_from_slice(&len_bytes.to_le_bytes());
    header[24..32].copy_from_slice(&below_limit_bytes.to_le_bytes());
    header
}

#[cfg(test)]
mod tests;
