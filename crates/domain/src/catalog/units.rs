//! Prices of what is not counted in tokens: minutes, characters, images, pages, searches.

use crate::money::{Nanodollars, div_ceil};

/// Something a provider bills by the piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Milliseconds of audio, listened to or spoken.
    AudioMillisecond,
    /// Characters of text to be spoken.
    Character,
    /// Images made, where size and quality do not matter.
    Image,
    /// Images read.
    ImageRead,
    /// Pages read.
    Page,
    /// Pages read and annotated.
    AnnotatedPage,
    /// Searches of the web.
    WebSearch,
    /// Queries ranked.
    Query,
}

/// The price of one image of a size and quality.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePrice {
    /// `low`, `high`, `hd` …, where the provider tells qualities apart.
    pub quality: Option<Box<str>>,
    /// Width and height in pixels, `1024x1536`.
    pub size: Box<str>,
    /// What one costs.
    pub price: Nanodollars,
}

/// Prices by the piece of one model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitPrices {
    /// The unit, the price, and how many pieces that price buys.
    pub(super) by_unit: Box<[(Unit, Nanodollars, u32)]>,
    pub(super) images: Box<[ImagePrice]>,
}

impl UnitPrices {
    /// What `count` pieces cost, rounded up once; nothing where the model has no such price or the sum does not fit.
    #[must_use]
    pub fn cost(&self, unit: Unit, count: u64) -> Option<Nanodollars> {
        let (_, price, per) = self.by_unit.iter().find(|(listed, _, _)| *listed == unit)?;
        let numerator = i128::from(price.units()).checked_mul(i128::from(count))?;
        i64::try_from(div_ceil(numerator, i128::from(*per)))
            .ok()
            .map(Nanodollars::from_units)
    }

    /// What one image of this size and quality costs; the flat price of an image where sizes are not told apart.
    #[must_use]
    pub fn image(&self, quality: &str, size: &str) -> Option<Nanodollars> {
        self.images
            .iter()
            .find(|image| {
                &*image.size == size && image.quality.as_deref().is_none_or(|listed| listed == quality)
            })
            .map_or_else(|| self.cost(Unit::Image, 1), |image| Some(image.price))
    }

    /// Every listed size and quality.
    #[must_use]
    pub fn images(&self) -> &[ImagePrice] {
        &self.images
    }

    /// Whether nothing is billed by the piece.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_unit.is_empty() && self.images.is_empty()
    }

    pub(super) fn all_zero(&self) -> bool {
        self.by_unit
            .iter()
            .all(|(_, price, _)| *price == Nanodollars::ZERO)
            && self.images.iter().all(|image| image.price == Nanodollars::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_rounded_up_once_for_the_whole_count() {
        let price = "0.006".parse().unwrap();
        let units = UnitPrices {
            by_unit: [(Unit::AudioMillisecond, price, 60_000)].into(),
            ..UnitPrices::default()
        };
        assert_eq!(units.cost(Unit::AudioMillisecond, 60_000), Some(price));
        // 7 ms of 6 000 000 nanodollars a minute are 700 exactly; 8 ms are 800; 1 ms is 100.
        assert_eq!(
            units.cost(Unit::AudioMillisecond, 7),
            Some(Nanodollars::from_units(700))
        );
        assert_eq!(units.cost(Unit::Character, 1), None);
        assert_eq!(units.cost(Unit::AudioMillisecond, u64::MAX), None);
    }

    #[test]
    fn an_image_is_found_by_size_and_quality() {
        let image = |quality: Option<&str>, size: &str, units| ImagePrice {
            quality: quality.map(Into::into),
            size: size.into(),
            price: Nanodollars::from_units(units),
        };
        let units = UnitPrices {
            images: [
                image(Some("low"), "1x1", 1),
                image(Some("high"), "1x1", 2),
                image(None, "2x2", 3),
            ]
            .into(),
            ..UnitPrices::default()
        };
        assert_eq!(units.image("high", "1x1"), Some(Nanodollars::from_units(2)));
        assert_eq!(units.image("high", "2x2"), Some(Nanodollars::from_units(3)));
        assert_eq!(units.image("medium", "1x1"), None);
    }
}
