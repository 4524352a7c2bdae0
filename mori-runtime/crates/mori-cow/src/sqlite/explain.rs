//! Which changed pages could be overflow pages of rows whose cell did not change.
//!
//! SQLite overwrites a row of unchanged length in place, so an overflow page can change while the page that refers to it does not. A changed
//! page is *explained* once it is known to be something else. What stays unexplained is the reason to look into shared pages at all,
//! which costs more; usually nothing stays.

use super::DiffError;
use super::btree::{Node, NodeKind};
use super::file::{Changed, File, be_u32};
use super::payload::Payload;
use std::collections::BTreeSet;

/// The changed pages of the new file that are not explained yet.
pub(super) struct Suspects {
    pages: BTreeSet<u32>,
    /// Whether page 1 has changed and was not walked. It is a b-tree page always, so it is no suspect, but its cells may have chains.
    first_page_open: bool,
}

/// Below this number of pages the first byte of an overflow page, the highest of its next-page number, is 0 or 1, and so tells it
/// from a b-tree page.
const TELLING_PAGE_COUNT_MAX: u32 = 0x0200_0000;

impl Suspects {
    pub fn new(changed: &dyn Changed, file: &File<'_>) -> Suspects {
        let mut pages: BTreeSet<u32> = changed.changed_pages().into_iter().collect();
        // Pages past the end were cut off.
        pages.retain(|page| (2..=file.page_count).contains(page) && !file.is_reserved(*page));
        Suspects {
            pages,
            first_page_open: file.page_count > 0 && changed.is_changed(1),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    pub fn explain(&mut self, page: u32) {
        self.pages.remove(&page);
        if page == 1 {
            self.first_page_open = false;
        }
    }

    /// Explains the pages of a payload's chain. True if one of them was a suspect.
    pub fn explain_chain(&mut self, file: &File<'_>, payload: &Payload) -> Result<bool, DiffError> {
        if payload.overflow.is_none() || self.is_empty() {
            return Ok(false);
        }
        let mut hit = false;
        for page in payload.chain(file)? {
            hit |= self.pages.remove(&page);
        }
        Ok(hit)
    }

    /// How far `page` is from the nearest suspect. SQLite mostly allocates a row's overflow pages near its leaf.
    pub fn distance(&self, page: u32) -> u32 {
        let above = self.pages.range(page..).next().map(|suspect| suspect - page);
        let below = self.pages.range(..page).next_back().map(|suspect| page - suspect);
        above.into_iter().chain(below).min().unwrap_or(u32::MAX)
    }

    /// Explains free pages and whatever belongs to indexes and to tables that were not asked for.
    pub fn settle(&mut self, file: &File<'_>) -> Result<(), DiffError> {
        if !self.is_empty() {
            self.settle_free_pages(file)?;
        }
        if !self.is_empty() && file.page_count < TELLING_PAGE_COUNT_MAX {
            self.settle_other_trees(file)?;
        }
        Ok(())
    }

    /// Section 1.5: trunk pages name the next trunk, a count, and that many free pages.
    fn settle_free_pages(&mut self, file: &File<'_>) -> Result<(), DiffError> {
        let mut trunk = file.freelist;
        let mut trunks = 0;
        while trunk != 0 && !self.is_empty() {
            trunks += 1;
            if trunks > file.page_count {
                return Err(file.corrupt(trunk, "freelist runs in a circle"));
            }
            let bytes = file.page(trunk)?;
            let count = be_u32(&bytes, 4) as usize;
            if count > file.usable / 4 - 2 {
                return Err(file.corrupt(trunk, "freelist trunk names more pages than it holds"));
            }
            self.explain(trunk);
            for index in 0..count {
                self.explain(be_u32(&bytes, 8 + 4 * index));
            }
            trunk = be_u32(&bytes, 0);
        }
        Ok(())
    }

    /// Reads the remaining suspects. What is not free and starts like a b-tree page is one, and so its chains are explained with it.
    /// The trees that were asked for are not among them: their changed pages were explained when they were walked.
    fn settle_other_trees(&mut self, file: &File<'_>) -> Result<(), DiffError> {
        if self.first_page_open {
            self.explain_cells(file, 1)?;
        }
        let suspects: Vec<u32> = self.pages.iter().copied().collect();
        for page in suspects {
            // The chain of an earlier page may have explained it.
            if !self.pages.contains(&page) {
                continue;
            }
            let first = file.page(page)?[0];
            if first < 2 {
                continue;
            }
            self.explain(page);
            if NodeKind::from_flag(first).is_some() {
                self.explain_cells(file, page)?;
            }
        }
        Ok(())
    }

    /// A page that does not hold together explains nothing: it may be an orphan, and looking further is never wrong.
    fn explain_cells(&mut self, file: &File<'_>, page: u32) -> Result<(), DiffError> {
        let cells = match Node::read(file, page).and_then(|node| node.cells(file)) {
            Ok(cells) => cells,
            Err(DiffError::Corrupt { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        for cell in cells {
            match self.explain_chain(file, &cell.payload) {
                Ok(_) | Err(DiffError::Corrupt { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
