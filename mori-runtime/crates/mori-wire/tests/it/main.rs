//! Checks of the wire codec from outside: hostile bytes, values there and back, and an independent implementation.

// The exemption for tests does not reach the functions they share.
#![allow(clippy::unwrap_used)]

mod hostile;
mod independent;
mod postgres_vectors;
mod round_trip;

/// The generator of Marsaglia's "Xorshift RNGs": small, and the same on every machine.
pub struct Xorshift(u64);

impl Xorshift {
    pub const SEED: u64 = 0x5eed_0000_0000_0001;

    /// Prints the seed, which the test harness shows when the test fails.
    pub fn seeded() -> Xorshift {
        println!("seed {:#x}", Self::SEED);
        Xorshift(Self::SEED)
    }

    pub fn word(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.word() % u64::try_from(end).unwrap()).unwrap()
    }

    pub fn byte(&mut self) -> u8 {
        self.word().to_le_bytes()[3]
    }
}
