//! Parts of a test run for several machines. The same test is in the same part as with nextest.

use std::collections::HashMap;
use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    kind: Kind,
    /// From 1.
    shard: u64,
    shards: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// In turn over all tests.
    Slice,
    /// In turn over the tests of each binary.
    Count,
    /// By the name, so that adding a test moves no other.
    Hash,
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Partition, String> {
        let expected = || "expected slice:M/N, count:M/N or hash:M/N with M from 1 to N".to_owned();
        let (kind, part) = text.split_once(':').ok_or_else(expected)?;
        let kind = match kind {
            "slice" => Kind::Slice,
            "count" => Kind::Count,
            "hash" => Kind::Hash,
            _ => return Err(expected()),
        };
        let (shard, shards) = part.split_once('/').ok_or_else(expected)?;
        let (shard, shards): (u64, u64) = (shard.parse().map_err(|_| expected())?, shards.parse().map_err(|_| expected())?);
        if !(1..=shards).contains(&shard) {
            return Err(expected());
        }
        Ok(Partition { kind, shard, shards })
    }
}

/// Decides test by test, in the order of the list.
#[derive(Debug)]
pub struct Partitioner {
    partition: Partition,
    /// Tests seen, by binary (for a slice: by nothing) and by being ignored: nextest counts the two kinds apart.
    seen: HashMap<(String, bool), u64>,
}

impl Partitioner {
    pub fn new(partition: Partition) -> Partitioner {
        Partitioner {
            partition,
            seen: HashMap::new(),
        }
    }

    /// Whether the test is in this part.
    pub fn takes(&mut self, binary_id: &str, test: &str, ignored: bool) -> bool {
        let Partition { kind, shard, shards } = self.partition;
        let scope = match kind {
            Kind::Hash => return xxh64(test.as_bytes()) % shards == shard - 1,
            Kind::Slice => String::new(),
            Kind::Count => binary_id.to_owned(),
        };
        let seen = self.seen.entry((scope, ignored)).or_default();
        *seen += 1;
        (*seen - 1) % shards == shard - 1
    }
}

const PRIME_1: u64 = 0x9E37_79B1_85EB_CA87;
const PRIME_2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const PRIME_3: u64 = 0x1656_67B1_9E37_79F9;
const PRIME_4: u64 = 0x85EB_CA77_C2B2_AE63;
const PRIME_5: u64 = 0x27D4_EB2F_1656_67C5;

/// XXH64 with seed 0 (<https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md>), which nextest has fixed for `hash:`.
pub(super) fn xxh64(input: &[u8]) -> u64 {
    let (stripes, rest) = input.as_chunks::<32>();
    let mut hash = if stripes.is_empty() {
        PRIME_5
    } else {
        let mut lanes = [PRIME_1.wrapping_add(PRIME_2), PRIME_2, 0, 0u64.wrapping_sub(PRIME_1)];
        for stripe in stripes {
            for (lane, word) in lanes.iter_mut().zip(stripe.as_chunks::<8>().0) {
                *lane = round(*lane, u64::from_le_bytes(*word));
            }
        }
        let [a, b, c, d] = lanes;
        let mixed = a
            .rotate_left(1)
            .wrapping_add(b.rotate_left(7))
            .wrapping_add(c.rotate_left(12))
            .wrapping_add(d.rotate_left(18));
        lanes.into_iter().fold(mixed, |hash, lane| {
            (hash ^ round(0, lane)).wrapping_mul(PRIME_1).wrapping_add(PRIME_4)
        })
    };
    hash = hash.wrapping_add(input.len() as u64);
    let (words, rest) = rest.as_chunks::<8>();
    for word in words {
        hash = (hash ^ round(0, u64::from_le_bytes(*word)))
            .rotate_left(27)
            .wrapping_mul(PRIME_1)
            .wrapping_add(PRIME_4);
    }
    let (halves, rest) = rest.as_chunks::<4>();
    for half in halves {
        let half = u64::from(u32::from_le_bytes(*half));
        hash = (hash ^ half.wrapping_mul(PRIME_1))
            .rotate_left(23)
            .wrapping_mul(PRIME_2)
            .wrapping_add(PRIME_3);
    }
    for byte in rest {
        hash = (hash ^ u64::from(*byte).wrapping_mul(PRIME_5))
            .rotate_left(11)
            .wrapping_mul(PRIME_1);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(PRIME_2);
    hash = (hash ^ (hash >> 29)).wrapping_mul(PRIME_3);
    hash ^ (hash >> 32)
}

fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(PRIME_2)).rotate_left(31).wrapping_mul(PRIME_1)
}
