//! Random numbers that are the same in each run.

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
#[derive(Clone, Debug)]
pub(in crate::bench) struct Random(u64);

impl Random {
    /// The numbers of `seed`.
    pub(in crate::bench) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(in crate::bench) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`, which is above 0; the bias is below 2^-32 for bounds below 2^32.
    #[expect(clippy::cast_possible_truncation, reason = "it is below a usize")]
    pub(in crate::bench) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// A number from 0 up to, and without, 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    pub(in crate::bench) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Spreads the bits of a number over all of another: one for each.
pub(in crate::bench) const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Numbers below `bound` with Zipf's distribution: n with a probability of 1/(n + 1) of that of 0.
#[derive(Clone, Debug)]
pub(in crate::bench) struct Zipf {
    bound: usize,
    log: f64,
}

impl Zipf {
    /// Numbers below `bound`, which is above 0.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a table has less than 2^53 flows"
    )]
    pub(in crate::bench) fn new(bound: usize) -> Self {
        Self {
            bound,
            log: (bound as f64 + 1.0).ln(),
        }
    }

    /// The next number.
    ///
    /// The logarithm of a continuous variable with density 1/x is uniform: from it comes k with a
    /// probability of ln(1 + 1/k), which is near 1/k. Rejection makes it 1/k.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "x is between 1 and the bound"
    )]
    pub(in crate::bench) fn sample(&self, random: &mut Random) -> usize {
        loop {
            let k = (random.unit() * self.log).exp().floor().max(1.0);
            if random.unit() * k * (1.0 / k).ln_1p() < std::f64::consts::LN_2 {
                return (k as usize).min(self.bound) - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        // The first ones of seed 1234567, from the author's program.
        let mut random = Random::new(1_234_567);
        let numbers = [(); 3].map(|()| random.next());
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!(numbers, expected);
    }

    #[test]
    fn numbers_are_below_their_bound_and_reach_all_of_it() {
        let mut random = Random::new(1);
        let mut seen = [0_u32; 7];
        for _ in 0..7_000 {
            seen[random.below(7)] += 1;
            let unit = random.unit();
            assert!((0.0..1.0).contains(&unit), "{unit}");
        }
        assert!(seen.iter().all(|n| (800..1200).contains(n)), "{seen:?}");
    }

    #[test]
    fn zipf_gives_the_nth_number_an_nth_of_the_probability_of_the_first() {
        let mut random = Random::new(1);
        let zipf = Zipf::new(10);
        let mut seen = [0.0; 10];
        for _ in 0..200_000 {
            seen[zipf.sample(&mut random)] += 1.0;
        }
        let harmonic: f64 = (1..=10).map(|n| 1.0 / f64::from(n)).sum();
        for (n, seen) in (1..).zip(seen) {
            let expected = 200_000.0 / harmonic / f64::from(n);
            assert!(
                (seen / expected - 1.0_f64).abs() < 0.05,
                "{n}: {seen}, not {expected}"
            );
        }
    }
}
