//! One reply against the other.

use super::program::Form;
use mori_tests::redis::Reply;

/// DUMP's first byte where the payload depends on the value alone: a string, a sorted set (two encodings), a list.
const DUMPS_ALIKE: [u8; 4] = [0, 5, 17, 18];

/// Whether two replies say the same, where `queued` is what a transaction holds that this command may end.
pub fn is_same(form: Form, queued: &[Form], a: &Reply, b: &Reply) -> bool {
    if a == b {
        return true;
    }
    // Errors and nulls are never a matter of order.
    if a.is_error() || b.is_error() || a.is_null() || b.is_null() {
        return false;
    }
    if !queued.is_empty() {
        return is_same_transaction(queued, a, b);
    }
    match form {
        Form::Exact | Form::Silent => false,
        Form::Sorted => a.sorted() == b.sorted(),
        Form::Pairs => a.sorted_pairs() == b.sorted_pairs(),
        Form::Near(tolerance) => is_near(tolerance, a, b),
        Form::Shape => is_same_kind(a, b),
        Form::Page => is_same_kind(a, b) && a.items().len() == b.items().len(),
        Form::Dump => {
            let is_alike = |reply: &Reply| reply.bytes().first().is_some_and(|kind| DUMPS_ALIKE.contains(kind));
            is_same_kind(a, b) && !(is_alike(a) || is_alike(b)) && a.bytes().first() == b.bytes().first()
        }
        Form::Hello => a.without(&[b"id"]) == b.without(&[b"id"]),
        Form::Times => rows(a, Reply::without_times) == rows(b, Reply::without_times),
        Form::Pending => a.without_delivery_times() == b.without_delivery_times(),
        Form::Subscription => false,
    }
}

fn is_same_transaction(queued: &[Form], a: &Reply, b: &Reply) -> bool {
    let (Reply::Many(a_letter, a_items), Reply::Many(b_letter, b_items)) = (a, b) else {
        return false;
    };
    // Messages come where they come, and are compared as they are.
    let mut forms = queued.iter();
    let is_alike = |(a, b): (&Reply, &Reply)| match (a.is_push(), b.is_push()) {
        (true, true) => a == b,
        (false, false) => forms.next().is_some_and(|form| is_same(*form, &[], a, b)),
        _ => false,
    };
    a_letter == b_letter && a_items.len() == b_items.len() && a_items.iter().zip(b_items).all(is_alike) && forms.next().is_none()
}

/// A list of maps, or one map.
fn rows(reply: &Reply, of_map: impl Fn(&Reply) -> Reply) -> Reply {
    match reply {
        Reply::Many(b'*', items) if items.iter().all(|item| matches!(item, Reply::Many(..))) => {
            Reply::Many(b'*', items.iter().map(of_map).collect())
        }
        other => of_map(other),
    }
}

fn is_near(tolerance: u64, a: &Reply, b: &Reply) -> bool {
    match (a, b) {
        (Reply::Many(a_letter, a), Reply::Many(b_letter, b)) => {
            a_letter == b_letter && a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_near(tolerance, a, b))
        }
        _ if a == b => true,
        _ => match (a.integer(), b.integer()) {
            (Some(a), Some(b)) => a > 0 && b > 0 && a.abs_diff(b) <= tolerance,
            _ => false,
        },
    }
}

fn is_same_kind(a: &Reply, b: &Reply) -> bool {
    match (a, b) {
        (Reply::Line(a, _), Reply::Line(b, _)) | (Reply::Blob(a, _), Reply::Blob(b, _)) | (Reply::Many(a, _), Reply::Many(b, _)) => a == b,
        (Reply::Nil(a), Reply::Nil(b)) => a == b,
        _ => false,
    }
}

/// The messages up to a fence. UNSUBSCRIBE without arguments tells the channels in any order, with a count that goes down: names and counts are
/// compared each by themselves.
pub fn is_same_subscription(a: &[Reply], b: &[Reply]) -> bool {
    let split = |messages: &[Reply]| {
        let (mut names, mut counts) = (Vec::new(), Vec::new());
        for message in messages {
            match message {
                Reply::Many(letter, items) if items.len() == 3 && items[0].text().ends_with("unsubscribe") => {
                    names.push(Reply::Many(*letter, items[..2].to_vec()));
                    counts.push(items[2].clone());
                }
                other => counts.push(other.clone()),
            }
        }
        names.sort();
        (names, counts)
    };
    split(a) == split(b)
}
