//! The times of both protocols: three numbers of 32 bits.

/// Returns nanoseconds.
pub(super) fn ns(sec_hi: u32, sec_lo: u32, nsec: u32) -> i64 {
    let seconds = u64::from(sec_hi) << 32 | u64::from(sec_lo);
    let ns = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
    ns.saturating_add(i64::from(nsec))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_stamp_runs_over() {
        assert_eq!(ns(0, 7, 5), 7_000_000_005);
        assert_eq!(ns(1, 0, 0), 4_294_967_296_000_000_000);
        assert_eq!(ns(u32::MAX, u32::MAX, u32::MAX), i64::MAX);
    }
}
