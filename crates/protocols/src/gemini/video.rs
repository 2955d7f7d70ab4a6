//! Videos by Veo: a job is submitted here; [`operation`](super::operation) tells what became of it.
//!
//! Source: `providers.md` section 6.7.

use bytes::Bytes;
use easyai_core::media::{MediaUsage, Resolution};
use easyai_core::usage::Usage;

use super::cannot;
use super::veo::{FULL_SECONDS, MAX_REFERENCES, Veo, family};
use crate::conversation::{CannotCarry, Notes};
use crate::encoded::encode;
use crate::media::VideoRequest;
use crate::media::ratio::{self, Ratio, among};
use crate::wire::Written;

const RATIOS: [Ratio; 2] = [(16, 9), (9, 16)];

/// The images of a request, as media type and bytes.
#[derive(Debug, Clone, Default)]
pub struct Images {
    /// The picture it begins with.
    pub first: Option<(String, Bytes)>,
    /// The picture it ends with.
    pub last: Option<(String, Bytes)>,
    /// Pictures of what is in it.
    pub references: Vec<(String, Bytes)>,
}

/// Which of Google's two APIs is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plane {
    /// The Developer API.
    Developer,
    /// Vertex AI, which knows a few fields more.
    Vertex,
}

/// What is made, after all rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    resolution: Option<Resolution>,
    ratio: Option<Ratio>,
    seconds: Option<u32>,
}

/// Whether Veo can be asked this.
///
/// # Errors
/// [`CannotCarry`] names the field, and what is allowed.
pub fn fits(model: &str, plane: Plane, asked: &VideoRequest) -> Result<(), CannotCarry> {
    let family = family(model);
    if asked.remix_of.is_some() {
        return Err(cannot("video", "it makes no video from another one here: send a reference image"));
    }
    images(family, asked)?;
    if let (Plane::Developer, Some(family), Some(audio)) = (plane, family, asked.audio)
        && audio != family.audio
    {
        let allowed = if family.audio { "its videos always have sound" } else { "its videos never have sound" };
        return Err(cannot("generate_audio", allowed));
    }
    plan(family, asked).map(drop)
}

fn images(family: Option<&Veo>, asked: &VideoRequest) -> Result<(), CannotCarry> {
    if asked.last_frame.is_some() && asked.first_frame.is_none() {
        return Err(cannot("last_frame", "only together with `first_frame`"));
    }
    if asked.references.is_empty() {
        return Ok(());
    }
    if asked.first_frame.is_some() {
        return Err(cannot("reference_images", "either reference images, or a first frame with or without a last one"));
    }
    if family.is_some_and(|family| !family.references) {
        return Err(cannot("reference_images", "only Veo 3.1 takes any: send one as `first_frame`"));
    }
    if family.is_some() && asked.references.len() > MAX_REFERENCES {
        return Err(cannot("reference_images", "at most 3"));
    }
    Ok(())
}

fn plan(family: Option<&Veo>, asked: &VideoRequest) -> Result<Plan, CannotCarry> {
    let resolution = resolution(family, asked)?;
    let ratio = match &asked.aspect_ratio {
        Some(text) => Some(among(text, &RATIOS).ok_or_else(|| cannot("aspect_ratio", "one of 16:9, 9:16"))?),
        None => asked.size.map(|size| if size.height > size.width { (9, 16) } else { (16, 9) }),
    };
    let seconds = asked.seconds.map(std::num::NonZeroU32::get);
    let needs_all = resolution.is_some_and(|resolution| matches!(resolution, Resolution::P1080 | Resolution::K4))
        || !asked.references.is_empty() && family.is_some();
    let Some(family) = family else { return Ok(Plan { resolution, ratio, seconds }) };
    match seconds {
        Some(seconds) if !family.seconds.contains(&seconds) => {
            let allowed: Vec<_> = family.seconds.iter().map(u32::to_string).collect();
            Err(cannot("seconds", &format!("this model makes videos of {} seconds", allowed.join(", "))))
        }
        // The second generation has one resolution, and all its lengths.
        Some(seconds) if needs_all && family.names_resolution && seconds != FULL_SECONDS => {
            Err(cannot("seconds", "8 are needed for 1080p, for 4k and for reference images"))
        }
        Some(seconds) => Ok(Plan { resolution, ratio, seconds: Some(seconds) }),
        None => Ok(Plan { resolution, ratio, seconds: needs_all.then_some(FULL_SECONDS) }),
    }
}

fn resolution(family: Option<&Veo>, asked: &VideoRequest) -> Result<Option<Resolution>, CannotCarry> {
    let allowed = |field: &str, family: &Veo| {
        let names: Vec<_> = family.resolutions.iter().map(|resolution| resolution.as_str()).collect();
        cannot(field, &format!("this model makes {}", names.join(", ")))
    };
    let made = |resolution| family.is_none_or(|family| family.resolutions.contains(&resolution));
    match (asked.resolution, asked.size) {
        (Some(named), _) if made(named) => Ok(Some(named)),
        (None, Some(size)) => {
            // Nothing smaller than 720p is made.
            let wanted = if size.short_side() < 1_000 { Resolution::P720 } else { Resolution::of(size) };
            match family {
                Some(family) if !made(wanted) => Err(allowed("size", family)),
                Some(_) | None => Ok(Some(wanted)),
            }
        }
        (Some(_), _) => family.map_or(Ok(asked.resolution), |family| Err(allowed("resolution", family))),
        (None, None) => Ok(None),
    }
}

#[derive(serde::Serialize)]
struct Body<'a> {
    instances: [Instance<'a>; 1],
    parameters: Parameters<'a>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Instance<'a> {
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Image<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_frame: Option<Image<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reference_images: Vec<Reference<'a>>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Image<'a> {
    bytes_base64_encoded: String,
    mime_type: &'a str,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference<'a> {
    image: Image<'a>,
    reference_type: &'static str,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Parameters<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    aspect_ratio: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<Resolution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    negative_prompt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generate_audio: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
}

/// Writes the request that submits a job.
///
/// # Errors
/// As [`fits`].
pub fn write(model: &str, plane: Plane, asked: &VideoRequest, images: &Images) -> Result<Written, CannotCarry> {
    fits(model, plane, asked)?;
    let family = family(model);
    let plan = plan(family, asked)?;
    let vertex = plane == Plane::Vertex;
    let notes = notes(family, plane, asked, plan);
    let instance = Instance {
        prompt: &asked.prompt,
        image: images.first.as_ref().map(Image::of),
        last_frame: images.last.as_ref().map(Image::of),
        reference_images: images.references.iter().map(|file| Reference { image: Image::of(file), reference_type: "asset" }).collect(),
    };
    let parameters = Parameters {
        aspect_ratio: plan.ratio.map(ratio::name),
        resolution: plan.resolution.filter(|_| family.is_none_or(|family| family.names_resolution)),
        duration_seconds: plan.seconds,
        negative_prompt: asked.negative_prompt.as_deref(),
        generate_audio: asked.audio.filter(|_| vertex),
        seed: asked.seed.filter(|_| vertex),
    };
    // Strings and numbers alone can't fail to be written.
    let body = serde_json::to_vec(&Body { instances: [instance], parameters }).unwrap_or_default();
    Ok(Written { body: Bytes::from(body), notes })
}

impl<'a> Image<'a> {
    fn of((media_type, data): &'a (String, Bytes)) -> Self {
        Self { bytes_base64_encoded: encode(data), mime_type: media_type }
    }
}

fn notes(family: Option<&Veo>, plane: Plane, asked: &VideoRequest, plan: Plan) -> Notes {
    let mut notes = Notes::default();
    if asked.seed.is_some() && plane == Plane::Developer {
        notes.dropped("seed", "only Vertex AI takes one");
    }
    if asked.watermark == Some(true) {
        notes.dropped("watermark", "Veo's mark can't be seen");
    }
    if let (Some(size), Some(ratio)) = (asked.size.filter(|_| family.is_some()), plan.ratio) {
        let resolution = plan.resolution.unwrap_or(Resolution::P720);
        let (long, short) = match resolution {
            Resolution::P480 | Resolution::P720 => (1_280, 720),
            Resolution::P1080 => (1_920, 1_080),
            Resolution::K4 => (3_840, 2_160),
        };
        let made = if ratio == (16, 9) { (long, short) } else { (short, long) };
        if made != (size.width.get(), size.height.get()) {
            notes.changed("size", &format!("{}x{} is made: it is the nearest that the model makes", made.0, made.1));
        }
    }
    notes
}

/// What a request is expected to use.
#[must_use]
pub fn expected(model: &str, asked: &VideoRequest) -> Usage {
    let family = family(model);
    let plan = plan(family, asked).unwrap_or(Plan { resolution: None, ratio: None, seconds: None });
    let seconds = plan.seconds.or(asked.seconds.map(std::num::NonZeroU32::get)).unwrap_or(FULL_SECONDS);
    Usage::of_media(MediaUsage::Video {
        millis: u64::from(seconds).saturating_mul(1_000),
        resolution: Some(plan.resolution.unwrap_or(Resolution::P720)),
        audio: family.map_or_else(|| asked.audio.unwrap_or(true), |family| family.audio && asked.audio != Some(false)),
        video_input: false,
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::volces::tests::{image, video};

    const NEW: &str = "veo-3.1-generate-preview";

    #[test]
    fn a_request_is_one_instance_with_parameters() {
        let file = |name: &'static [u8]| ("image/png".to_owned(), Bytes::from_static(name));
        let asked = video(|asked| {
            asked.size = "720x1280".parse().ok();
            asked.seconds = NonZeroU32::new(6);
            asked.negative_prompt = Some("dogs".to_owned());
            asked.seed = Some(5);
            asked.first_frame = Some(image("https://x"));
            asked.last_frame = Some(image("https://y"));
        });
        let images = Images { first: Some(file(b"hi")), last: Some(file(b"ho")), references: Vec::new() };
        let written = write(NEW, Plane::Developer, &asked, &images).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&written.body),
            r#"{"instances":[{"prompt":"a cat --rs 480p","image":{"bytesBase64Encoded":"aGk=","mimeType":"image/png"},"lastFrame":{"bytesBase64Encoded":"aG8=","mimeType":"image/png"}}],"parameters":{"aspectRatio":"9:16","resolution":"720p","durationSeconds":6,"negativePrompt":"dogs"}}"#
        );
        assert_eq!(written.notes.fields(), "seed");
        let referred = video(|asked| asked.references = vec![image("https://x")]);
        let images = Images { references: vec![file(b"hi")], ..Images::default() };
        assert_eq!(
            String::from_utf8_lossy(&write(NEW, Plane::Vertex, &referred, &images).unwrap().body),
            r#"{"instances":[{"prompt":"a cat --rs 480p","referenceImages":[{"image":{"bytesBase64Encoded":"aGk=","mimeType":"image/png"},"referenceType":"asset"}]}],"parameters":{"durationSeconds":8}}"#
        );
    }

    #[test]
    fn a_size_becomes_a_ratio_and_a_resolution() {
        for (model, size, seconds, expected, noted) in [
            (NEW, "1280x720", Some(4), r#"{"aspectRatio":"16:9","resolution":"720p","durationSeconds":4}"#, ""),
            (NEW, "1792x1024", Some(8), r#"{"aspectRatio":"16:9","resolution":"1080p","durationSeconds":8}"#, "size"),
            (NEW, "1080x1920", None, r#"{"aspectRatio":"9:16","resolution":"1080p","durationSeconds":8}"#, ""),
            (NEW, "640x480", None, r#"{"aspectRatio":"16:9","resolution":"720p"}"#, "size"),
            (NEW, "3840x2160", None, r#"{"aspectRatio":"16:9","resolution":"4k","durationSeconds":8}"#, ""),
            ("veo-2.0-generate-001", "1280x720", Some(5), r#"{"aspectRatio":"16:9","durationSeconds":5}"#, ""),
            ("veo-9", "1920x1080", Some(60), r#"{"aspectRatio":"16:9","resolution":"1080p","durationSeconds":60}"#, ""),
        ] {
            let asked = video(|asked| {
                asked.size = size.parse().ok();
                asked.seconds = seconds.and_then(NonZeroU32::new);
            });
            let written = write(model, Plane::Developer, &asked, &Images::default()).unwrap();
            let body = String::from_utf8_lossy(&written.body).into_owned();
            assert!(body.ends_with(&format!("\"parameters\":{expected}}}")), "{model} {size} {body}");
            assert_eq!(written.notes.fields(), noted, "{model} {size}");
        }
    }

    #[test]
    fn what_a_model_can_not_do_is_refused_by_its_field() {
        let check = |model: &str, change: &dyn Fn(&mut VideoRequest), field: &str, word: &str| {
            let lost = fits(model, Plane::Developer, &video(change)).unwrap_err();
            assert!(lost.field == field && lost.why.contains(word), "{model} {lost:?}");
        };
        check(NEW, &|asked| asked.seconds = NonZeroU32::new(12), "seconds", "4, 6, 8");
        check("veo-3.0-generate-001", &|asked| asked.seconds = NonZeroU32::new(4), "seconds", "of 8");
        check("veo-2.0-generate-001", &|asked| asked.seconds = NonZeroU32::new(4), "seconds", "5, 6, 7, 8");
        let short = |asked: &mut VideoRequest| {
            asked.seconds = NonZeroU32::new(4);
            asked.size = "1920x1080".parse().ok();
        };
        check(NEW, &short, "seconds", "1080p");
        check(NEW, &|asked| asked.resolution = Some(Resolution::P480), "resolution", "720p, 1080p, 4k");
        check("veo-2.0-generate-001", &|asked| asked.size = "1920x1080".parse().ok(), "size", "720p");
        check(NEW, &|asked| asked.aspect_ratio = Some("1:1".to_owned()), "aspect_ratio", "9:16");
        check(NEW, &|asked| asked.audio = Some(false), "generate_audio", "always");
        check("veo-2.0-generate-001", &|asked| asked.audio = Some(true), "generate_audio", "never");
        check(NEW, &|asked| asked.last_frame = Some(image("https://x")), "last_frame", "first_frame");
        check(NEW, &|asked| asked.references = vec![image("https://x"); 4], "reference_images", "at most 3");
        check("veo-3.0-generate-001", &|asked| asked.references = vec![image("https://x")], "reference_images", "3.1");
        assert!(fits(NEW, Plane::Vertex, &video(|asked| asked.audio = Some(false))).is_ok());
        assert!(fits("veo-9", Plane::Developer, &video(|asked| asked.seconds = NonZeroU32::new(60))).is_ok());
    }

    #[test]
    fn a_hold_covers_the_seconds() {
        let asked = video(|asked| asked.size = "1920x1080".parse().ok());
        let video = MediaUsage::Video { millis: 8_000, resolution: Some(Resolution::P1080), audio: true, video_input: false };
        assert_eq!(expected(NEW, &asked).media, Some(video));
    }
}
