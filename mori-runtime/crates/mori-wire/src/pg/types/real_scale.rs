//! Scaling a binary number by a power of ten, with the precision SQLite has.
//!
//! The powers are truncated to 64 bits, so the last of the digits may differ from the correctly rounded one. SQLite prints that digit,
//! hence so do we. Source: `powerOfTen` and `sqlite3Fp2Convert10` of SQLite 3.54.

/// Digits asked for: a power of ten is chosen so that the result has this many, or one more.
const DIGITS: i32 = 18;

const SCALE_STEP: i32 = 27;
const SCALE_FIRST: i32 = -351;

/// The first 96 bits, rounded, of every 27th power of ten.
const SCALES: [u128; 26] = [
    0x8049a4ac_0c5811ae_205b896d, // 10^-351
    0xcf42894a_5dce35ea_52064cad, // 10^-324
    0xa76c5823_38ed2621_af2af2b8, // 10^-297
    0x873e4f75_e2224e68_5a7744a7, // 10^-270
    0xda7f5bf5_90966848_af39a475, // 10^-243
    0xb080392c_c4349dec_bd8d794e, // 10^-216
    0x8e938662_882af53e_547eb47b, // 10^-189
    0xe65829b3_046b0afa_0cb4a5a3, // 10^-162
    0xba121a46_50e4ddeb_92f34d62, // 10^-135
    0x964e858c_91ba2655_3a6a07f9, // 10^-108
    0xf2d56790_ab41c2a2_fae27299, // 10^-81
    0xc428d05a_a4751e4c_aa97e14c, // 10^-54
    0x9e74d1b7_91e07e48_775ea265, // 10^-27
    0x80000000_00000000_00000000, // 10^0
    0xcecb8f27_f4200f3a_00000000, // 10^27
    0xa70c3c40_a64e6c51_999090b6, // 10^54
    0x86f0ac99_b4e8dafd_69a028bb, // 10^81
    0xda01ee64_1a708de9_e80e6f48, // 10^108
    0xb01ae745_b101e9e4_5ec05dd0, // 10^135
    0x8e41ade9_fbebc27d_14588f14, // 10^162
    0xe5d3ef28_2a242e81_8f1668c9, // 10^189
    0xb9a74a06_37ce2ee1_6d953e2c, // 10^216
    0x95f83d0a_1fb69cd9_4abdaf10, // 10^243
    0xf24a01a7_3cf2dccf_bc633b39, // 10^270
    0xc3b83581_09e84f07_0a862f81, // 10^297
    0x9e19db92_b4e31ba9_6c07a2c2, // 10^324
];

/// A positive finite number as an integer of 18 or 19 digits and the power of ten to multiply it with.
pub(super) fn to_decimal(value: f64) -> (u64, i32) {
    let (mantissa, exponent) = to_binary(value);
    let power = DIGITS - 1 - log10_of_power_of_2(exponent + 63);
    let scaled = high_half(u128::from(mantissa) * u128::from(power_of_10(power)));
    let shift = -(exponent + log2_of_power_of_10(power) + 2);
    ((scaled >> shift).div_ceil(2), -power)
}

/// The number as mantissa × 2^exponent, where the highest bit of the mantissa is set.
fn to_binary(value: f64) -> (u64, i32) {
    const FRACTION_BITS: u32 = 52;
    let bits = value.to_bits();
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    match i32::try_from(bits >> FRACTION_BITS).expect("a positive number has an exponent of 11 bits") {
        0 => {
            let zeros = fraction.leading_zeros();
            (fraction << zeros, -1074 - i32::try_from(zeros).expect("at most 64"))
        }
        biased => ((fraction << 11) | (1 << 63), biased - 1086),
    }
}

/// The first 64 bits of a power of ten, from 10^-351 to 10^350.
fn power_of_10(power: i32) -> u64 {
    if power == -1 {
        return 0xcccc_cccc_cccc_cccc;
    }
    let step = usize::try_from((power - SCALE_FIRST) / SCALE_STEP).expect("a double has no smaller exponent");
    let rest = u32::try_from((power - SCALE_FIRST) % SCALE_STEP).expect("the power is above the first of the table");
    let base = 10_u128.pow(rest);
    // At most 61 bits of a power below 10^27 are not zeros at the end, so its first 64 are all of it.
    let base = u128::from(high_half(base << base.leading_zeros()));
    let scale = SCALES[step];
    let product = (scale >> 32) * base + (((scale & 0xffff_ffff) * base) >> 32);
    high_half(product << product.leading_zeros())
}

fn high_half(number: u128) -> u64 {
    u64::try_from(number >> 64).expect("64 of 128 bits are left")
}

/// ⌊log₂ 10^`power`⌋, for the exponents that occur.
fn log2_of_power_of_10(power: i32) -> i32 {
    (power * 108_853) >> 15
}

/// ⌊log₁₀ 2^`power`⌋, for the exponents that occur.
fn log10_of_power_of_2(power: i32) -> i32 {
    (power * 78_913) >> 18
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_the_first_bits_of_the_number() {
        for power in 0..27 {
            let exact = 10_u128.pow(power);
            assert_eq!(
                power_of_10(power.cast_signed()),
                high_half(exact << exact.leading_zeros()),
                "10^{power}"
            );
        }
        // 10^38 is the last that 128 bits hold.
        let exact = 10_u128.pow(38);
        assert_eq!(power_of_10(38), high_half(exact << exact.leading_zeros()));
    }

    #[test]
    fn the_whole_range_is_covered() {
        for exponent in 0..0x7ff_u64 {
            for fraction in [1, (1 << 52) - 1] {
                let (digits, _) = to_decimal(f64::from_bits((exponent << 52) | fraction));
                assert!(
                    (100_000_000_000_000_000..=2_000_000_000_000_000_000).contains(&digits),
                    "exponent {exponent}"
                );
            }
        }
    }
}
