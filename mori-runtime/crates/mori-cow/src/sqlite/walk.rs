//! Walks the same table's b-tree in both files in step, and reads only what can differ.
//!
//! All leaves of a tree are equally deep, so pages are compared level by level, counted from the leaves: a page that both trees have on
//! one level and that is not changed is *shared*, and the subtrees below it differ only in changed pages. A shared page is read at
//! most once, and a shared leaf is not read at all.

use super::btree::Node;
use super::file::{Changed, File};
use super::{DiffError, Side, TreeKind, TreePair};
use std::collections::HashMap;

/// SQLite's own bound: a deeper tree would need more pages than a file can have.
const DEPTH_MAX: usize = 20;

/// Both files and what is known of their difference.
#[derive(Clone, Copy)]
pub(super) struct Files<'a> {
    pub old: &'a File<'a>,
    pub new: &'a File<'a>,
    pub changed: &'a dyn Changed,
}

impl<'a> Files<'a> {
    pub fn side(&self, side: Side) -> &'a File<'a> {
        match side {
            Side::Old => self.old,
            Side::New => self.new,
        }
    }

    /// Whether a page that both files have means the same in both.
    pub fn is_same(&self, page: u32) -> bool {
        self.old.same_layout(self.new) && !self.changed.is_changed(page)
    }
}

/// Which trees have a page on the level that is being looked at.
#[derive(Clone, Copy)]
struct Place {
    page: u32,
    in_old: bool,
    in_new: bool,
}

/// Calls `differing` with every page of either tree that is not shared: interior pages before the pages below them.
pub(super) fn differing(
    files: Files<'_>,
    tree: &TreePair,
    differing: &mut dyn FnMut(Side, &Node) -> Result<(), DiffError>,
) -> Result<(), DiffError> {
    Walk::new(files, tree)?.run(&mut Visit::Differing(differing))
}

/// The shared pages that hold rows: leaves, and for a WITHOUT ROWID table interior pages too.
pub(super) fn shared(files: Files<'_>, tree: &TreePair) -> Result<Vec<u32>, DiffError> {
    let mut pages = Vec::new();
    Walk::new(files, tree)?.run(&mut Visit::Shared(&mut pages))?;
    Ok(pages)
}

enum Visit<'v> {
    Differing(&'v mut dyn FnMut(Side, &Node) -> Result<(), DiffError>),
    Shared(&'v mut Vec<u32>),
}

struct Walk<'a> {
    files: Files<'a>,
    tree: &'a TreePair,
    /// The level of each root: 0 for a tree that is one leaf.
    old_top: Option<usize>,
    new_top: Option<usize>,
    /// Pages that were read to find the levels, until they are used.
    spine: HashMap<(Side, u32), Node>,
}

impl<'a> Walk<'a> {
    fn new(files: Files<'a>, tree: &'a TreePair) -> Result<Walk<'a>, DiffError> {
        let mut walk = Walk {
            files,
            tree,
            old_top: None,
            new_top: None,
            spine: HashMap::new(),
        };
        if let Some(root) = tree.new_root {
            walk.new_top = Some(walk.descend(Side::New, root)?);
        }
        if let Some(root) = tree.old_root {
            walk.old_top = match tree.new_root {
                // A shared root stands on the same level in both trees.
                Some(new_root) if new_root == root && files.is_same(root) => walk.new_top,
                _ => Some(walk.descend(Side::Old, root)?),
            };
        }
        Ok(walk)
    }

    /// Follows the leftmost children down to a leaf and keeps what was read. Returns the root's level.
    fn descend(&mut self, side: Side, root: u32) -> Result<usize, DiffError> {
        let file = self.files.side(side);
        let mut page = root;
        for level in 0..DEPTH_MAX {
            let node = Node::read(file, page)?;
            let child = node.children(file)?.first().copied();
            self.spine.insert((side, page), node);
            match child {
                Some(child) => page = child,
                None => return Ok(level),
            }
        }
        Err(file.corrupt(root, "b-tree is too deep"))
    }

    fn run(&mut self, visit: &mut Visit<'_>) -> Result<(), DiffError> {
        let Some(top) = self.old_top.max(self.new_top) else { return Ok(()) };
        let mut places = Vec::new();
        for level in (0..=top).rev() {
            for (side, root, root_level) in [
                (Side::Old, self.tree.old_root, self.old_top),
                (Side::New, self.tree.new_root, self.new_top),
            ] {
                if let Some(page) = root.filter(|_| root_level == Some(level)) {
                    places.push(Place::on(side, page));
                }
            }
            let current = self.merge(std::mem::take(&mut places))?;
            for place in current {
                self.step(place, level, visit, &mut places)?;
            }
        }
        Ok(())
    }

    /// One page of one level: hands it to `visit` and adds its children to `below`.
    fn step(&mut self, place: Place, level: usize, visit: &mut Visit<'_>, below: &mut Vec<Place>) -> Result<(), DiffError> {
        let page = place.page;
        if place.in_old && place.in_new && self.files.is_same(page) {
            if let Visit::Shared(pages) = visit
                && (level == 0 || self.tree.kind != TreeKind::Rowid)
            {
                pages.push(page);
            }
            if level > 0 {
                let node = self.read(Side::New, page, level)?;
                let children = node.children(self.files.new)?;
                // Below a shared page an unchanged leaf is shared too; only a search for shared pages wants to hear of it.
                let skip_unchanged = level == 1 && matches!(visit, Visit::Differing(_));
                below.extend(
                    children
                        .into_iter()
                        .filter(|child| !(skip_unchanged && self.files.is_same(*child)))
                        .map(Place::on_both),
                );
            }
            return Ok(());
        }
        for (side, present) in [(Side::Old, place.in_old), (Side::New, place.in_new)] {
            if !present || (level == 0 && matches!(visit, Visit::Shared(_))) {
                continue;
            }
            let node = self.read(side, page, level)?;
            if let Visit::Differing(differing) = visit {
                differing(side, &node)?;
            }
            below.extend(
                node.children(self.files.side(side))?
                    .into_iter()
                    .map(|child| Place::on(side, child)),
            );
        }
        Ok(())
    }

    /// Sorts the places of a level by page and makes one of what both trees have.
    fn merge(&self, mut places: Vec<Place>) -> Result<Vec<Place>, DiffError> {
        places.sort_unstable_by_key(|place| place.page);
        let mut merged: Vec<Place> = Vec::with_capacity(places.len());
        for place in places {
            match merged.last_mut() {
                Some(last) if last.page == place.page => {
                    if last.in_old && place.in_old {
                        return Err(self.files.old.corrupt(place.page, "page has two parents"));
                    }
                    if last.in_new && place.in_new {
                        return Err(self.files.new.corrupt(place.page, "page has two parents"));
                    }
                    *last = Place::on_both(place.page);
                }
                _ => merged.push(place),
            }
        }
        Ok(merged)
    }

    /// A page of the tree, checked to be of the kind that its level asks for.
    fn read(&mut self, side: Side, page: u32, level: usize) -> Result<Node, DiffError> {
        let file = self.files.side(side);
        let node = match self.spine.remove(&(side, page)) {
            Some(node) => node,
            None => Node::read(file, page)?,
        };
        if !node.kind.belongs_to(self.tree.kind) || node.kind.is_leaf() != (level == 0) {
            return Err(file.corrupt(page, "page is of another kind than its place in the tree"));
        }
        Ok(node)
    }
}

impl Place {
    fn on(side: Side, page: u32) -> Place {
        Place {
            page,
            in_old: side == Side::Old,
            in_new: side == Side::New,
        }
    }

    fn on_both(page: u32) -> Place {
        Place {
            page,
            in_old: true,
            in_new: true,
        }
    }
}
