//! Aspect ratios: which of those that a model knows is nearest to a size.

use easyai_core::media::Pixels;

/// A width to a height, written `16:9`.
pub(crate) type Ratio = (u32, u32);

/// The one of `ratios` that is nearest to the shape of `size`; the first of them if two are equally near, and 1:1 if there are none.
pub(crate) fn nearest(size: Pixels, ratios: &[Ratio]) -> Ratio {
    let mut best = ((1, 1), f64::INFINITY);
    for ratio in ratios {
        let off = off_by(size, *ratio);
        if off < best.1 {
            best = (*ratio, off);
        }
    }
    best.0
}

/// How many times wider, or higher, one is than the other: never below one.
fn off_by(size: Pixels, (width, height): Ratio) -> f64 {
    let across = f64::from(size.width.get()) * f64::from(height);
    let along = f64::from(size.height.get()) * f64::from(width);
    (across / along).max(along / across)
}

/// As it is written.
pub(crate) fn name((width, height): Ratio) -> String {
    format!("{width}:{height}")
}

/// All of them as they are written, for a message.
pub(crate) fn names(ratios: &[Ratio]) -> String {
    ratios.iter().map(|ratio| name(*ratio)).collect::<Vec<_>>().join(", ")
}

/// Reads `16:9`; none for what is none of `ratios`.
pub(crate) fn among(text: &str, ratios: &[Ratio]) -> Option<Ratio> {
    ratios.iter().copied().find(|ratio| name(*ratio) == text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_ratio_is_measured_the_same_way_for_both_sides() {
        let known = [(1, 1), (2, 3), (3, 2), (9, 16), (16, 9), (21, 9)];
        for (size, expected) in [
            ("1024x1024", "1:1"),
            ("1000x1100", "1:1"),
            ("1536x1024", "3:2"),
            ("1024x1536", "2:3"),
            ("1792x1024", "16:9"),
            ("1024x1792", "9:16"),
            ("4000x1000", "21:9"),
        ] {
            assert_eq!(name(nearest(size.parse().unwrap(), &known)), expected, "{size}");
        }
        assert_eq!(
            (among(" 16:9", &known), among("16:10", &known), names(&[(1, 1), (2, 3)])),
            (Some((16, 9)), None, "1:1, 2:3".to_owned())
        );
        assert_eq!(nearest("5x7".parse().unwrap(), &[]), (1, 1));
    }
}
