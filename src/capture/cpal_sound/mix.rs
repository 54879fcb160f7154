//! From the channels of a device to the one or two that are recorded.

/// How loud the channels beside the first two are in each of these: half as loud.
const BESIDE: f32 = 0.5;

/// Returns how many channels are recorded of so many.
pub(super) fn recorded(channels: u16) -> u16 {
    channels.clamp(1, 2)
}

/// Mixes samples, channel by channel in turns, of a device with so many channels. What is louder than 1 then is 1.
pub(super) fn down(samples: &[f32], channels: u16) -> Vec<f32> {
    let channels = usize::from(channels.max(1));
    if channels <= 2 {
        return samples.to_vec();
    }
    let mixed = samples.chunks_exact(channels).flat_map(|all| {
        let beside: f32 = all[2..].iter().sum::<f32>() * BESIDE;
        [all[0], all[1]].map(|sample| (sample + beside).clamp(-1.0, 1.0))
    });
    mixed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_channels_stay_and_more_are_heard_in_both() {
        assert_eq!(down(&[0.1, 0.2, 0.3, 0.4], 2), [0.1, 0.2, 0.3, 0.4]);
        let mixed = down(&[0.1, 0.2, 0.4, 0.0, 0.9, -0.9, 1.0, 1.0], 4);
        let wanted = [0.3, 0.4, 1.0, 0.1];
        assert_eq!(mixed.len(), wanted.len());
        assert!(
            mixed.iter().zip(wanted).all(|(mixed, wanted): (&f32, f32)| (mixed - wanted).abs() < 1e-6),
            "{mixed:?}"
        );
        assert_eq!([recorded(0), recorded(1), recorded(2), recorded(8)], [1, 1, 2, 2]);
    }
}
