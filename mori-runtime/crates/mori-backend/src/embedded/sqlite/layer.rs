//! What lies below a lane: an image of prod, and frozen layers of migrations and fixtures on top of it. Read-only by type.

use super::page_store::PageStore;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The unit in which pages are kept where the database does not say: SQLite's default page size.
const BLOCK_BYTES_DEFAULT: u32 = 4096;

/// An immutable database file, as bytes.
#[derive(Debug)]
pub enum Layer {
    /// No prod: an empty database.
    Empty,
    /// A database file that nobody writes: an image of prod, or a fixture database.
    Image {
        file: File,
        path: PathBuf,
        len_bytes: u64,
        block_bytes: u32,
    },
    /// Pages written on top of another layer and closed since.
    Frozen { below: Arc<Layer>, pages: PageStore },
}

impl Layer {
    /// Opens a database file that nobody writes any more. Its page size is read from its header.
    ///
    /// Errors: the file cannot be read, or its header has no valid page size (`InvalidData`).
    pub fn open_image(path: &Path) -> io::Result<Layer> {
        let file = File::open(path)?;
        let len_bytes = file.metadata()?.len();
        if len_bytes == 0 {
            return Ok(Layer::Empty);
        }
        let mut header = [0u8; 18];
        file.read_exact_at(&mut header, 0)?;
        // https://www.sqlite.org/fileformat2.html#the_database_header: page size at offset 16, where 1 stands for 65536.
        let block_bytes = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65536,
            size if size >= 512 && size.is_power_of_two() => u32::from(size),
            _ => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "no valid page size in the database header",
                ));
            }
        };
        Ok(Layer::Image {
            file,
            path: path.to_owned(),
            len_bytes,
            block_bytes,
        })
    }

    /// The image at the bottom, if there is one.
    pub fn image_path(layer: &Layer) -> Option<&Path> {
        match layer {
            Layer::Empty => None,
            Layer::Image { path, .. } => Some(path),
            Layer::Frozen { below, .. } => Layer::image_path(below),
        }
    }

    /// The image at the bottom, and the blocks that the layers above it have written.
    pub(super) fn bottom(layer: &Arc<Layer>) -> (Arc<Layer>, Vec<u32>) {
        match &**layer {
            Layer::Frozen { below, pages } => {
                let (bottom, mut blocks) = Layer::bottom(below);
                blocks.extend(pages.blocks());
                (bottom, blocks)
            }
            _ => (layer.clone(), Vec::new()),
        }
    }

    /// The file's length in bytes.
    pub fn len_bytes(&self) -> u64 {
        match self {
            Layer::Empty => 0,
            Layer::Image { len_bytes, .. } => *len_bytes,
            Layer::Frozen { pages, .. } => pages.len_bytes(),
        }
    }

    /// The unit of copy-on-write: the database's page size when the bottom layer was made.
    pub fn block_bytes(&self) -> u32 {
        match self {
            Layer::Empty => BLOCK_BYTES_DEFAULT,
            Layer::Image { block_bytes, .. } => *block_bytes,
            Layer::Frozen { pages, .. } => pages.block_bytes(),
        }
    }

    /// Reads the part of block `block` from `within` on. Bytes behind the end of the layer are zero.
    pub fn read_block(&self, block: u32, within: usize, buffer: &mut [u8]) -> io::Result<()> {
        match self {
            Layer::Empty => {
                buffer.fill(0);
                Ok(())
            }
            Layer::Image { file, block_bytes, .. } => {
                let offset = u64::from(block) * u64::from(*block_bytes) + within as u64;
                read_or_zero(file, offset, buffer)
            }
            Layer::Frozen { below, pages } => pages.read_block(below, block, within, buffer),
        }
    }
}

/// Reads at `offset`; what lies behind the end of the file reads as zero.
pub(super) fn read_or_zero(file: &File, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.read_at(buffer, offset) {
            Ok(0) => {
                buffer.fill(0);
                return Ok(());
            }
            Ok(read) => {
                buffer = &mut buffer[read..];
                offset += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
