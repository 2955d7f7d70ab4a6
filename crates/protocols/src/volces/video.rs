//! Videos at Ark: a task is submitted, asked about, stopped, and found again in the list of tasks.
//!
//! Source: `providers.md` section 7.6. Words inside the prompt (`--rs 720p`) are left where they are: what stands in fields wins there.

use bytes::Bytes;
use easyai_core::media::{MediaUsage, Resolution};
use easyai_core::usage::Usage;

use super::cannot;
use super::seedance::{DEFAULT_SECONDS, Frames, RATIOS, Seedance, family, is_first, pixels, tokens};
use crate::conversation::{CannotCarry, Notes};
use crate::media::VideoRequest;
use crate::media::ratio::{self, Ratio, among, nearest};
use crate::wire::Written;

/// The seeds that Ark takes; -1 is any.
const SEEDS: std::ops::RangeInclusive<i64> = -1..=4_294_967_295;

/// What is made, after all rules.
struct Plan {
    resolution: Option<Resolution>,
    ratio: Option<Ratio>,
    /// Whether the ratio is written: with a first frame newer models take its own.
    says_ratio: bool,
}

/// Whether Ark can be asked this.
///
/// # Errors
/// [`CannotCarry`] names the field, and what is allowed.
pub fn fits(model: &str, asked: &VideoRequest) -> Result<(), CannotCarry> {
    let family = family(model);
    if asked.remix_of.is_some() {
        return Err(cannot("video", "it makes no video from another one: send a reference image"));
    }
    if asked.negative_prompt.is_some() {
        return Err(cannot("negative_prompt", "its models have none: say in the prompt what to leave away"));
    }
    if asked.seed.is_some_and(|seed| !SEEDS.contains(&seed)) {
        return Err(cannot("seed", "from -1 to 4294967295"));
    }
    if let Some(family) = family {
        can_make(family, asked)?;
    }
    images(family, asked)?;
    plan(family, asked).map(drop)
}

fn can_make(family: &Seedance, asked: &VideoRequest) -> Result<(), CannotCarry> {
    let (least, most) = (family.seconds.start(), family.seconds.end());
    if asked.seconds.is_some_and(|seconds| !family.seconds.contains(&seconds.get())) {
        return Err(cannot("seconds", &format!("this model makes videos of {least} to {most} seconds")));
    }
    if asked.audio == Some(true) && !family.audio {
        return Err(cannot("generate_audio", "this model makes no sound"));
    }
    Ok(())
}

/// First frame, first and last frame, and references are three modes that exclude one another.
fn images(family: Option<&Seedance>, asked: &VideoRequest) -> Result<(), CannotCarry> {
    let (first, last) = (asked.first_frame.is_some(), asked.last_frame.is_some());
    let references = asked.references.len();
    if last && !first {
        return Err(cannot("last_frame", "only together with `first_frame`"));
    }
    if first && references > 0 {
        return Err(cannot("reference_images", "either reference images, or a first frame with or without a last one"));
    }
    let Some(family) = family else { return Ok(()) };
    if first && family.frames == Frames::Refused {
        return Err(cannot("first_frame", "this model makes videos from text alone"));
    }
    if references > family.references {
        let allowed = match family.references {
            0 => "this model takes no reference images: send one as `first_frame`".to_owned(),
            most => format!("this model takes at most {most} reference images"),
        };
        return Err(cannot("reference_images", &allowed));
    }
    Ok(())
}

fn plan(family: Option<&Seedance>, asked: &VideoRequest) -> Result<Plan, CannotCarry> {
    let named = asked.resolution.map(|resolution| ("resolution", resolution));
    let resolution = named.or_else(|| asked.size.map(|size| ("size", Resolution::of(size))));
    if let (Some((field, resolution)), Some(family)) = (resolution, family)
        && !family.resolutions.contains(&resolution)
    {
        let allowed: Vec<_> = family.resolutions.iter().map(|resolution| resolution.as_str()).collect();
        return Err(cannot(field, &format!("this model makes {}", allowed.join(", "))));
    }
    let ratio = match &asked.aspect_ratio {
        Some(text) if text == "adaptive" => None,
        Some(text) => {
            let known = among(text, &RATIOS);
            Some(known.ok_or_else(|| cannot("aspect_ratio", &format!("one of {}", ratio::names(&RATIOS))))?)
        }
        None => asked.size.map(|size| nearest(size, &RATIOS)),
    };
    let own = asked.first_frame.is_some() && family.is_none_or(|family| family.frames != Frames::WithRatio);
    Ok(Plan { resolution: resolution.map(|(_, resolution)| resolution), ratio, says_ratio: !own })
}

#[derive(serde::Serialize)]
struct Body<'a> {
    model: &'a str,
    content: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<Resolution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generate_audio: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    watermark: bool,
}

#[derive(serde::Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: Url, role: &'static str },
}

#[derive(serde::Serialize)]
struct Url {
    url: String,
}

/// Writes the request that submits a task.
///
/// # Errors
/// As [`fits`].
pub fn write(model: &str, asked: &VideoRequest) -> Result<Written, CannotCarry> {
    fits(model, asked)?;
    let family = family(model);
    let plan = plan(family, asked)?;
    let mut notes = Notes::default();
    if !plan.says_ratio && plan.ratio.is_some() {
        let field = if asked.aspect_ratio.is_some() { "aspect_ratio" } else { "size" };
        notes.changed(field, "the video has the shape of its first frame");
    } else if let (Some(size), Some(made)) = (asked.size, size(family, &plan))
        && made != size
    {
        notes.changed("size", &format!("{made} is made: it is the nearest that the model makes"));
    }
    let audio = asked.audio.filter(|_| family.is_none_or(|family| family.audio));
    let body = Body {
        model,
        content: content(asked),
        resolution: plan.resolution,
        ratio: plan.ratio.filter(|_| plan.says_ratio).map(ratio::name),
        duration: asked.seconds.map(std::num::NonZeroU32::get),
        generate_audio: audio,
        seed: asked.seed,
        watermark: asked.watermark.unwrap_or(false),
    };
    // Strings and numbers alone can't fail to be written.
    Ok(Written { body: Bytes::from(serde_json::to_vec(&body).unwrap_or_default()), notes })
}

fn content(asked: &VideoRequest) -> Vec<Content<'_>> {
    let image = |role| move |file| Content::ImageUrl { image_url: Url { url: super::address(file) }, role };
    std::iter::once(Content::Text { text: &asked.prompt })
        .chain(asked.first_frame.iter().map(image("first_frame")))
        .chain(asked.last_frame.iter().map(image("last_frame")))
        .chain(asked.references.iter().map(image("reference_image")))
        .collect()
}

fn size(family: Option<&Seedance>, plan: &Plan) -> Option<easyai_core::media::Pixels> {
    let resolution = plan.resolution.or(family.map(|family| family.default)).unwrap_or(Resolution::P720);
    pixels(resolution, plan.ratio.unwrap_or((16, 9)), is_first(family))
}

/// What a request is expected to use: output tokens by the pixels of all frames, none for the prompt.
#[must_use]
pub fn expected(model: &str, asked: &VideoRequest) -> Usage {
    let family = family(model);
    let plan = plan(family, asked).unwrap_or(Plan { resolution: None, ratio: None, says_ratio: false });
    let seconds = asked.seconds.map_or(DEFAULT_SECONDS, std::num::NonZeroU32::get);
    let resolution = plan.resolution.or(family.map(|family| family.default)).unwrap_or(Resolution::P720);
    let output_tokens = size(family, &plan).map_or(0, |size| tokens(size, seconds));
    let video = MediaUsage::Video {
        millis: u64::from(seconds).saturating_mul(1_000),
        resolution: Some(resolution),
        // Those that have sound make it unless told not to.
        audio: asked.audio.unwrap_or(family.is_none_or(|family| family.audio)),
        video_input: false,
    };
    Usage { output_tokens, ..Usage::of_media(video) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volces::tests::{image, video};

    fn body(model: &str, asked: &VideoRequest) -> String {
        String::from_utf8(write(model, asked).unwrap().body.to_vec()).unwrap()
    }

    #[test]
    fn a_request_becomes_a_task_with_its_mode() {
        let asked = video(|asked| {
            asked.seconds = std::num::NonZeroU32::new(5);
            asked.size = "1280x720".parse().ok();
            asked.audio = Some(false);
            asked.seed = Some(7);
        });
        let model = "doubao-seedance-1-5-pro-251215";
        assert_eq!(
            body(model, &asked),
            r#"{"model":"doubao-seedance-1-5-pro-251215","content":[{"type":"text","text":"a cat --rs 480p"}],"resolution":"720p","ratio":"16:9","duration":5,"generate_audio":false,"seed":7,"watermark":false}"#
        );
        assert_eq!(expected(model, &asked).output_tokens, 108_900);
        let framed = video(|asked| {
            asked.first_frame = Some(image("https://x/a.png?sig=%2F"));
            asked.last_frame = Some(image("https://x/b.png"));
            asked.size = "720x1280".parse().ok();
        });
        assert_eq!(
            body(model, &framed),
            r#"{"model":"doubao-seedance-1-5-pro-251215","content":[{"type":"text","text":"a cat --rs 480p"},{"type":"image_url","image_url":{"url":"https://x/a.png?sig=%2F"},"role":"first_frame"},{"type":"image_url","image_url":{"url":"https://x/b.png"},"role":"last_frame"}],"resolution":"720p","watermark":false}"#
        );
        assert_eq!(write(model, &framed).unwrap().notes.fields(), "size");
        assert!(body("doubao-seedance-1-0-pro-250528", &framed).contains("\"ratio\":\"9:16\""));
        let referred = video(|asked| asked.references = vec![image("https://x/a.png"), image("https://x/b.png")]);
        assert_eq!(body("doubao-seedance-2-0-260128", &referred).matches("reference_image").count(), 2);
    }

    #[test]
    fn a_size_becomes_a_resolution_and_a_ratio() {
        for (model, size, resolution, ratio, noted) in [
            ("doubao-seedance-2-0-260128", "1792x1024", "1080p", "16:9", "size"),
            ("doubao-seedance-2-0-260128", "1024x1024", "1080p", "1:1", "size"),
            ("doubao-seedance-2-0-260128", "640x480", "480p", "4:3", "size"),
            ("doubao-seedance-2-0-260128", "720x1280", "720p", "9:16", ""),
            ("doubao-seedance-2-0-260128", "3840x2160", "4k", "16:9", ""),
            ("doubao-seedance-1-0-pro-250528", "1248x704", "720p", "16:9", ""),
            ("ep-x", "1920x1080", "1080p", "16:9", ""),
        ] {
            let asked = video(|asked| asked.size = size.parse().ok());
            let written = write(model, &asked).unwrap();
            let body = String::from_utf8(written.body.to_vec()).unwrap();
            assert!(body.contains(&format!("\"resolution\":\"{resolution}\",\"ratio\":\"{ratio}\"")), "{model} {size} {body}");
            assert_eq!(written.notes.fields(), noted, "{model} {size}");
        }
    }

    #[test]
    fn what_a_model_can_not_do_is_refused_by_its_field() {
        let seconds = |seconds| move |asked: &mut VideoRequest| asked.seconds = std::num::NonZeroU32::new(seconds);
        let check = |model: &str, change: &dyn Fn(&mut VideoRequest), field: &str, word: &str| {
            let lost = fits(model, &video(change)).unwrap_err();
            assert!(lost.field == field && lost.why.contains(word), "{model} {lost:?}");
        };
        let (one, two) = ("doubao-seedance-1-0-pro-250528", "doubao-seedance-2-0-fast-260128");
        check(one, &seconds(13), "seconds", "2 to 12");
        check(two, &seconds(2), "seconds", "4 to 15");
        check(one, &|asked| asked.audio = Some(true), "generate_audio", "no sound");
        check(two, &|asked| asked.resolution = Some(Resolution::P1080), "resolution", "480p, 720p");
        check(two, &|asked| asked.size = "1920x1080".parse().ok(), "size", "480p, 720p");
        check(two, &|asked| asked.aspect_ratio = Some("16:10".to_owned()), "aspect_ratio", "21:9");
        check(two, &|asked| asked.last_frame = Some(image("https://x/a")), "last_frame", "first_frame");
        check(one, &|asked| asked.references = vec![image("https://x/a")], "reference_images", "first_frame");
        check(two, &|asked| asked.negative_prompt = Some("x".to_owned()), "negative_prompt", "prompt");
        check(two, &|asked| asked.seed = Some(-2), "seed", "from -1");
        check("doubao-seedance-1-0-lite-t2v-250428", &|asked| asked.first_frame = Some(image("https://x/a")), "first_frame", "text alone");
        let both = |asked: &mut VideoRequest| {
            asked.first_frame = Some(image("https://x/a"));
            asked.references = vec![image("https://x/b")];
        };
        check("ep-x", &both, "reference_images", "either");
        assert!(fits("ep-x", &video(seconds(60))).is_ok());
    }
}
