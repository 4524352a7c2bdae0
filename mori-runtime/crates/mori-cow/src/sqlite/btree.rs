//! B-tree pages: their header, their children and their cells (section 1.6).

use super::file::{File, be_u32};
use super::payload::Payload;
use super::{DiffError, TreeKind, varint};

/// The four kinds of b-tree page, by the first byte of the page header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeKind {
    IndexInterior,
    TableInterior,
    IndexLeaf,
    TableLeaf,
}

impl NodeKind {
    pub fn from_flag(flag: u8) -> Option<NodeKind> {
        match flag {
            0x02 => Some(NodeKind::IndexInterior),
            0x05 => Some(NodeKind::TableInterior),
            0x0a => Some(NodeKind::IndexLeaf),
            0x0d => Some(NodeKind::TableLeaf),
            _ => None,
        }
    }

    pub fn is_leaf(self) -> bool {
        matches!(self, NodeKind::IndexLeaf | NodeKind::TableLeaf)
    }

    fn is_table(self) -> bool {
        matches!(self, NodeKind::TableInterior | NodeKind::TableLeaf)
    }

    /// Whether a tree of this kind has such pages: WITHOUT ROWID tables are stored as index b-trees.
    pub fn belongs_to(self, tree: TreeKind) -> bool {
        self.is_table() == matches!(tree, TreeKind::Rowid)
    }
}

/// One row, or one index entry.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// Present in table b-trees only.
    pub rowid: Option<i64>,
    pub payload: Payload,
}

/// A b-tree page whose header has been checked; its cells are checked as they are read.
pub(super) struct Node {
    pub number: u32,
    pub kind: NodeKind,
    /// The usable part of the page.
    bytes: Vec<u8>,
    /// Where the array of cell pointers starts.
    pointers: usize,
    cell_count: usize,
    right_child: u32,
}

impl Node {
    pub fn read(file: &File<'_>, number: u32) -> Result<Node, DiffError> {
        let mut bytes = file.page(number)?;
        bytes.truncate(file.usable);
        // The database header precedes the page header on page 1.
        let header = if number == 1 { 100 } else { 0 };
        let kind = NodeKind::from_flag(bytes[header]).ok_or_else(|| file.corrupt(number, "not a b-tree page"))?;
        let cell_count = usize::from(u16::from_be_bytes([bytes[header + 3], bytes[header + 4]]));
        let pointers = header + if kind.is_leaf() { 8 } else { 12 };
        if pointers + 2 * cell_count > bytes.len() {
            return Err(file.corrupt(number, "cell pointers exceed the page"));
        }
        let right_child = if kind.is_leaf() { 0 } else { be_u32(&bytes, header + 8) };
        Ok(Node {
            number,
            kind,
            bytes,
            pointers,
            cell_count,
            right_child,
        })
    }

    /// The pages below an interior page, in key order; none below a leaf.
    pub fn children(&self, file: &File<'_>) -> Result<Vec<u32>, DiffError> {
        if self.kind.is_leaf() {
            return Ok(Vec::new());
        }
        let mut children = Vec::with_capacity(self.cell_count + 1);
        for index in 0..self.cell_count {
            match self.cell_bytes(index).and_then(|cell| cell.first_chunk::<4>()) {
                Some(child) => children.push(u32::from_be_bytes(*child)),
                None => return Err(file.corrupt(self.number, "cell exceeds the page")),
            }
        }
        children.push(self.right_child);
        if children.iter().any(|child| *child < 2 || *child > file.page_count) {
            return Err(file.corrupt(self.number, "child page is not in the file"));
        }
        Ok(children)
    }

    /// The rows or entries of the page, in key order. Interior pages of a table b-tree have none.
    pub fn cells(&self, file: &File<'_>) -> Result<Vec<Cell>, DiffError> {
        if self.kind == NodeKind::TableInterior {
            return Ok(Vec::new());
        }
        (0..self.cell_count)
            .map(|index| {
                self.cell_bytes(index)
                    .and_then(|bytes| parse_cell(self.kind, bytes, file.usable))
                    .ok_or_else(|| file.corrupt(self.number, "cell exceeds the page"))
            })
            .collect()
    }

    /// From the start of a cell to the end of the usable page; `None` if the cell pointer points outside.
    fn cell_bytes(&self, index: usize) -> Option<&[u8]> {
        let at = self.pointers + 2 * index;
        let start = usize::from(u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]]));
        self.bytes.get(start..)
    }
}

/// Parses the cell that starts `bytes`. `None` if it does not fit, which includes a payload length that does not.
fn parse_cell(kind: NodeKind, bytes: &[u8], usable: usize) -> Option<Cell> {
    let bytes = if kind.is_leaf() { bytes } else { bytes.get(4..)? };
    let (len, used) = varint::read(bytes)?;
    let mut bytes = bytes.get(used..)?;
    let mut rowid = None;
    if kind.is_table() {
        let (value, used) = varint::read(bytes)?;
        rowid = Some(value.cast_signed());
        bytes = bytes.get(used..)?;
    }
    let local = local_len(kind, len, usable);
    let payload = Payload {
        len,
        local: bytes.get(..local)?.to_vec(),
        overflow: match local as u64 == len {
            true => None,
            false => Some(u32::from_be_bytes(*bytes.get(local..)?.first_chunk()?)),
        },
    };
    Some(Cell { rowid, payload })
}

/// How many of a payload's `len` bytes lie in the cell (section 1.6, "X", "M" and "K").
fn local_len(kind: NodeKind, len: u64, usable: usize) -> usize {
    let local_max = if kind.is_table() {
        usable - 35
    } else {
        (usable - 12) * 64 / 255 - 23
    };
    if len <= local_max as u64 {
        return len as usize;
    }
    let local_min = (usable - 12) * 32 / 255 - 23;
    // What is left over when the rest fills overflow pages to the brim.
    let fitting = local_min + ((len - local_min as u64) % (usable as u64 - 4)) as usize;
    if fitting <= local_max { fitting } else { local_min }
}
