//! Token prices by class: as a table lists them, with gaps, and as they apply, with none.

use std::fmt;

use TokenClass::{
    AudioCacheRead, AudioInput, AudioOutput, CacheRead, CacheWrite, CacheWriteLong, ImageCacheRead,
    ImageInput, ImageOutput, Input, Output, Reasoning, VideoInput,
};

use crate::money::{Nanodollars, div_ceil};

/// What a token was, as far as prices tell tokens apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenClass {
    /// Prompt text that no cache knew.
    Input,
    /// Prompt read from the provider's cache.
    CacheRead,
    /// Prompt written to the provider's cache at its short lifetime.
    CacheWrite,
    /// Prompt written to the provider's cache at its long lifetime.
    CacheWriteLong,
    /// Prompt audio.
    AudioInput,
    /// Prompt audio read from the provider's cache.
    AudioCacheRead,
    /// Prompt images.
    ImageInput,
    /// Prompt images read from the provider's cache.
    ImageCacheRead,
    /// Prompt video.
    VideoInput,
    /// Generated text.
    Output,
    /// Generated thoughts.
    Reasoning,
    /// Generated audio.
    AudioOutput,
    /// Generated images.
    ImageOutput,
}

const CLASSES: usize = 13;

impl fmt::Display for TokenClass {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl TokenClass {
    /// Every class, prompt classes first.
    pub const ALL: [Self; CLASSES] = [
        Input,
        CacheRead,
        CacheWrite,
        CacheWriteLong,
        AudioInput,
        AudioCacheRead,
        ImageInput,
        ImageCacheRead,
        VideoInput,
        Output,
        Reasoning,
        AudioOutput,
        ImageOutput,
    ];

    /// The class's name in price tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Input => "input",
            CacheRead => "cache_read",
            CacheWrite => "cache_write",
            CacheWriteLong => "cache_write_long",
            AudioInput => "audio_input",
            AudioCacheRead => "audio_cache_read",
            ImageInput => "image_input",
            ImageCacheRead => "image_cache_read",
            VideoInput => "video_input",
            Output => "output",
            Reasoning => "reasoning",
            AudioOutput => "audio_output",
            ImageOutput => "image_output",
        }
    }

    /// Whether the model made such tokens, rather than read them.
    #[must_use]
    pub const fn is_output(self) -> bool {
        matches!(self, Output | Reasoning | AudioOutput | ImageOutput)
    }
}

/// Rates that a table lists, in nanodollars per million tokens. A class without a figure is a gap, not a zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ListedRates([Option<i64>; CLASSES]);

impl ListedRates {
    pub(super) fn get(&self, class: TokenClass) -> Option<i64> {
        self.0.get(class as usize).copied().flatten()
    }

    pub(super) fn set(&mut self, class: TokenClass, rate: Option<i64>) {
        if let Some(slot) = self.0.get_mut(class as usize) {
            *slot = rate;
        }
    }

    /// These rates once `variant`, which is listed against `standard`, applies as well.
    ///
    /// A class that the variant names moves as the variant's figure stands to the standard one. A class that it leaves
    /// out moves with `input` or `output`. Nothing if a figure outgrows its type.
    pub(super) fn under(&self, standard: &Self, variant: &Self) -> Option<Self> {
        let ratio = |class| match (variant.get(class), standard.get(class)) {
            (Some(new), Some(old)) if old > 0 => Some((new, old)),
            _ => None,
        };
        let input_ratio = ratio(Input).unwrap_or((1, 1));
        let output_ratio = ratio(Output).unwrap_or(input_ratio);
        let mut combined = Self::default();
        for class in TokenClass::ALL {
            let side = if class.is_output() {
                output_ratio
            } else {
                input_ratio
            };
            let rate = match (self.get(class), variant.get(class)) {
                (None, named) => named,
                // A free class that the variant charges for has no proportion: the variant's figure stands.
                (Some(rate), Some(named)) if ratio(class).is_none() => Some(rate.max(named)),
                (Some(rate), _) => {
                    let (new, old) = ratio(class).unwrap_or(side);
                    let scaled = div_ceil(i128::from(rate) * i128::from(new), i128::from(old));
                    Some(i64::try_from(scaled).ok()?)
                }
            };
            combined.set(class, rate);
        }
        Some(combined)
    }

    /// The rates that apply: every gap filled with what such tokens are billed as.
    ///
    /// Nothing unless `input` and some kind of output are listed.
    pub(super) fn complete(&self) -> Option<Rates> {
        let input = self.get(Input)?;
        let output = self
            .get(Output)
            .or(self.get(ImageOutput))
            .or(self.get(AudioOutput))?;
        let cache_read = self.get(CacheRead).unwrap_or(input);
        let cache_write = self.get(CacheWrite).unwrap_or(input);
        let audio_input = self.get(AudioInput).unwrap_or(input);
        let image_input = self.get(ImageInput).unwrap_or(input);
        let fallback = |class| match class {
            Input | VideoInput => input,
            CacheRead => cache_read,
            CacheWrite | CacheWriteLong => cache_write,
            AudioInput | AudioCacheRead => audio_input,
            ImageInput | ImageCacheRead => image_input,
            Output | Reasoning | AudioOutput | ImageOutput => output,
        };
        Some(Rates(
            TokenClass::ALL.map(|class| self.get(class).unwrap_or_else(|| fallback(class))),
        ))
    }
}

/// Rates that apply to one request, one for every class, in nanodollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rates([i64; CLASSES]);

impl Rates {
    /// The rate of `class`.
    pub(super) fn of(&self, class: TokenClass) -> i64 {
        self.0.get(class as usize).copied().unwrap_or(i64::MAX)
    }

    /// The rate of `class` as dollars per million tokens.
    pub(super) fn dollars_per_million(&self, class: TokenClass) -> Nanodollars {
        Nanodollars::from_units(self.of(class))
    }

    /// The highest rate among the classes that `counts`.
    pub(super) fn highest(&self, counts: impl Fn(TokenClass) -> bool) -> i64 {
        TokenClass::ALL
            .into_iter()
            .filter(|class| counts(*class))
            .map(|class| self.of(class))
            .max()
            .unwrap_or(0)
    }

    pub(super) fn all_zero(&self) -> bool {
        self.0.iter().all(|rate| *rate == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(rates: &[(TokenClass, i64)]) -> ListedRates {
        let mut all = ListedRates::default();
        for (class, rate) in rates {
            all.set(*class, Some(*rate));
        }
        all
    }

    #[test]
    fn every_class_stands_at_its_own_place() {
        for (place, class) in TokenClass::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, place);
        }
    }

    #[test]
    fn a_gap_is_filled_with_what_such_tokens_are_billed_as() {
        let rates = listed(&[(Input, 4), (CacheWrite, 5), (Output, 20)])
            .complete()
            .unwrap();
        assert_eq!(rates.of(CacheRead), 4);
        assert_eq!(rates.of(CacheWriteLong), 5);
        assert_eq!(rates.of(AudioInput), 4);
        assert_eq!(rates.of(Reasoning), 20);
        assert_eq!(rates.of(ImageOutput), 20);
    }

    #[test]
    fn rates_without_input_or_without_any_output_do_not_apply() {
        assert_eq!(listed(&[(Output, 1)]).complete(), None);
        assert_eq!(listed(&[(Input, 1)]).complete(), None);
        assert!(
            listed(&[(Input, 1), (AudioOutput, 9)])
                .complete()
                .is_some_and(|rates| rates.of(Output) == 9)
        );
    }

    #[test]
    fn a_variant_moves_what_it_leaves_out_in_proportion() {
        let standard = listed(&[(Input, 5), (CacheWrite, 6), (Output, 25), (Reasoning, 30)]);
        let fast = listed(&[(Input, 10), (Output, 75)]);
        let rates = standard.under(&standard, &fast).unwrap();
        assert_eq!(
            rates,
            listed(&[(Input, 10), (CacheWrite, 12), (Output, 75), (Reasoning, 90)])
        );
    }

    #[test]
    fn two_variants_multiply() {
        let standard = listed(&[(Input, 20), (CacheRead, 2), (Output, 120)]);
        let long = listed(&[(Input, 40), (CacheRead, 4), (Output, 180)]);
        let priority = listed(&[(Input, 36), (CacheRead, 4), (Output, 216)]);
        let both = standard
            .under(&standard, &priority)
            .unwrap()
            .under(&standard, &long)
            .unwrap();
        assert_eq!(both, listed(&[(Input, 72), (CacheRead, 8), (Output, 324)]));
    }

    #[test]
    fn a_free_class_that_a_variant_charges_for_takes_its_figure() {
        let standard = listed(&[(Input, 0), (Output, 0)]);
        let priority = listed(&[(Input, 3), (Output, 9)]);
        assert_eq!(standard.under(&standard, &priority), Some(priority));
    }
}
