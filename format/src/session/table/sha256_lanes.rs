//! SHA-256 of many short messages side by side: what makes the `hash` column affordable on a processor without instructions for it.
//!
//! One message after the other, the rounds of SHA-256 wait for each other. Eight messages at once fill the eight lanes of an AVX2
//! register, and each message still gets exactly its own hash (FIPS 180-4): which way was taken cannot be seen in any file. Knows
//! nothing of rows. Where the processor has SHA instructions, or no AVX2, the `sha2` crate does it one by one.

use sha2::block_api::compress256;

/// Bytes of one block (FIPS 180-4).
pub(crate) const BLOCK: usize = 64;

/// Where SHA-256 starts (FIPS 180-4, 5.3.3).
pub(crate) const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// From how many messages on the lanes are the faster way: eight at once take the time of less than two one by one.
#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
const WORTH_IT: usize = 3;

/// Calls `done` with each message's index and hash, in any order. `padded` holds the messages one behind the other, each padded to
/// whole blocks by the rule of SHA-256; `lengths` says how many bytes each takes there.
pub(crate) fn each(padded: &[u8], lengths: &[u32], done: &mut impl FnMut(usize, &[u32; 8])) {
    // Unoptimised, the lanes are slower than `sha2`, which is optimised in tests as well.
    #[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
    if lengths.len() >= WORTH_IT
        && !is_x86_feature_detected!("sha")
        && let Some(avx2) = fearless_simd::Level::new().as_avx2()
    {
        return lanes::each_by(avx2, padded, lengths, done);
    }
    one_by_one(padded, lengths, done);
}

/// Takes `length` bytes from the front of `rest`, in whole blocks.
fn take<'a>(rest: &mut &'a [u8], length: u32) -> &'a [[u8; BLOCK]] {
    let (message, behind) = rest.split_at_checked(length as usize).unwrap_or((rest, &[]));
    *rest = behind;
    let (blocks, part) = message.as_chunks::<BLOCK>();
    debug_assert!(part.is_empty(), "padded to whole blocks");
    blocks
}

fn one_by_one(padded: &[u8], lengths: &[u32], done: &mut impl FnMut(usize, &[u32; 8])) {
    let mut rest = padded;
    for (index, length) in lengths.iter().enumerate() {
        let mut state = START;
        compress256(&mut state, take(&mut rest, *length));
        done(index, &state);
    }
}

#[cfg(all(target_arch = "x86_64", any(test, not(debug_assertions))))]
mod lanes {
    use fearless_simd::Simd as _;
    use fearless_simd::x86::Avx2;

    use super::{BLOCK, START, take};

    /// 32-bit lanes of a 256-bit register.
    const LANES: usize = 8;

    /// One word of eight messages. Written as loops over its lanes, which the compiler turns into one instruction each.
    type Word = [u32; LANES];

    /// The constants of the rounds (FIPS 180-4, 4.2.2).
    #[rustfmt::skip]
    const ROUND: [u32; 64] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ];

    /// [`super::each`] by AVX2.
    pub(crate) fn each_by(avx2: Avx2, padded: &[u8], lengths: &[u32], done: &mut impl FnMut(usize, &[u32; 8])) {
        avx2.vectorize(|| each(padded, lengths, done));
    }

    /// A lane takes up the next message as soon as its own has ended, so that messages of different lengths keep all of them busy.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "must become part of the function that may use AVX2")]
    fn each(padded: &[u8], lengths: &[u32], done: &mut impl FnMut(usize, &[u32; 8])) {
        let mut rest = padded;
        let mut waiting = lengths.iter().enumerate();
        let mut state = START.map(|word| [word; LANES]);
        let mut work: [(usize, &[[u8; BLOCK]]); LANES] = [(0, &[]); LANES];
        loop {
            let mut idle = 0;
            for (lane, (index, blocks)) in work.iter_mut().enumerate() {
                while blocks.is_empty() {
                    let Some((next, length)) = waiting.next() else { break };
                    (*index, *blocks) = (next, take(&mut rest, *length));
                    for (word, start) in state.iter_mut().zip(START) {
                        word[lane] = start;
                    }
                    if blocks.is_empty() {
                        done(next, &START);
                    }
                }
                idle += usize::from(blocks.is_empty());
            }
            if idle == LANES {
                return;
            }
            // What a lane without a message works on is not looked at.
            let block = work.map(|(_, blocks)| blocks.first().unwrap_or(&[0; BLOCK]));
            compress(&mut state, block);
            for (lane, (index, blocks)) in work.iter_mut().enumerate() {
                if let Some((_, behind)) = blocks.split_first() {
                    *blocks = behind;
                    if behind.is_empty() {
                        done(*index, &state.map(|word| word[lane]));
                    }
                }
            }
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "must become part of the function that may use AVX2")]
    fn by_lane(word: impl Fn(usize) -> u32) -> Word {
        let mut out = [0; LANES];
        for (lane, out) in out.iter_mut().enumerate() {
            *out = word(lane);
        }
        out
    }

    /// The compression of one block in each lane (FIPS 180-4, 6.2.2).
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "must become part of the function that may use AVX2")]
    #[expect(clippy::many_single_char_names, reason = "as the standard names them")]
    fn compress(state: &mut [Word; 8], blocks: [&[u8; BLOCK]; LANES]) {
        let mut w = [[0; LANES]; 16];
        for (lane, block) in blocks.into_iter().enumerate() {
            for (word, bytes) in w.iter_mut().zip(block.as_chunks::<4>().0) {
                word[lane] = u32::from_be_bytes(*bytes);
            }
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
        for turn in 0..4 {
            for at in 0..16 {
                if turn > 0 {
                    let (w0, w1, w9, w14) = (w[at], w[(at + 1) % 16], w[(at + 9) % 16], w[(at + 14) % 16]);
                    w[at] = by_lane(|i| {
                        let s0 = w1[i].rotate_right(7) ^ w1[i].rotate_right(18) ^ (w1[i] >> 3);
                        let s1 = w14[i].rotate_right(17) ^ w14[i].rotate_right(19) ^ (w14[i] >> 10);
                        w0[i].wrapping_add(s0).wrapping_add(w9[i]).wrapping_add(s1)
                    });
                }
                let (word, constant) = (w[at], ROUND[turn * 16 + at]);
                let t1 = by_lane(|i| {
                    let sum = e[i].rotate_right(6) ^ e[i].rotate_right(11) ^ e[i].rotate_right(25);
                    let choice = g[i] ^ (e[i] & (f[i] ^ g[i]));
                    h[i].wrapping_add(sum).wrapping_add(choice).wrapping_add(constant).wrapping_add(word[i])
                });
                let t2 = by_lane(|i| {
                    let sum = a[i].rotate_right(2) ^ a[i].rotate_right(13) ^ a[i].rotate_right(22);
                    sum.wrapping_add((a[i] & b[i]) | (c[i] & (a[i] | b[i])))
                });
                h = g;
                g = f;
                f = e;
                e = by_lane(|i| d[i].wrapping_add(t1[i]));
                d = c;
                c = b;
                b = a;
                a = by_lane(|i| t1[i].wrapping_add(t2[i]));
            }
        }
        for (word, added) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *word = by_lane(|i| word[i].wrapping_add(added[i]));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::session::table::hash::pad;

    type Each = fn(&[u8], &[u32], &mut Vec<(usize, [u32; 8])>);

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Whichever way is taken: each message's hash once, and it is that of SHA-256.
        #[test]
        fn every_message_has_its_own_hash(sizes in proptest::collection::vec(0usize..400, 0..40), seed: u8) {
            let (mut padded, mut lengths, mut expected) = (Vec::new(), Vec::new(), Vec::new());
            for (index, size) in sizes.iter().enumerate() {
                let start = padded.len();
                padded.extend((0..*size).map(|at| seed.wrapping_add((at * 7 + index * 31) as u8)));
                let hash: [u8; 32] = Sha256::digest(&padded[start..]).into();
                expected.push((index, hash));
                lengths.push(pad(&mut padded, start) as u32);
            }
            let ways: &[Each] = &[
                |padded, lengths, out| each(padded, lengths, &mut |index, state| out.push((index, *state))),
                |padded, lengths, out| one_by_one(padded, lengths, &mut |index, state| out.push((index, *state))),
                #[cfg(target_arch = "x86_64")]
                |padded, lengths, out| {
                    let mut done = |index, state: &[u32; 8]| out.push((index, *state));
                    match fearless_simd::Level::new().as_avx2() {
                        Some(avx2) => lanes::each_by(avx2, padded, lengths, &mut done),
                        None => one_by_one(padded, lengths, &mut done),
                    }
                },
            ];
            for way in ways {
                let mut found = Vec::new();
                way(&padded, &lengths, &mut found);
                found.sort_unstable();
                let found: Vec<_> = found
                    .into_iter()
                    .map(|(index, state)| {
                        let mut hash = [0; 32];
                        for (to, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
                            *to = word.to_be_bytes();
                        }
                        (index, hash)
                    })
                    .collect();
                prop_assert_eq!(&found, &expected);
            }
        }
    }
}
