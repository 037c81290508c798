//! The parts of a message's content, read for translation.

use std::borrow::Cow;

use super::conversation::Place;
use crate::error::RequestFault;
use crate::json::{self, member, members};

/// One part of a content.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) body: PartBody<'a>,
    /// Anthropic's mark for its prompt cache, raw JSON, which callers may set on any part.
    pub(crate) cache_control: Option<&'a str>,
    /// Its place in the list, to name it in a refusal.
    pub(crate) number: usize,
}

/// What a part holds.
#[derive(Debug)]
pub(crate) enum PartBody<'a> {
    Text(Cow<'a, str>),
    /// An image by address or as a `data:` URL.
    Image(Cow<'a, str>),
    /// A file as a `data:` URL, and its name.
    File(Cow<'a, str>, Option<Cow<'a, str>>),
}

/// A `data:` URL, taken apart.
pub(crate) struct Inline<'a> {
    pub(crate) media_type: &'a str,
    pub(crate) base64: &'a str,
}

impl<'a> Part<'a> {
    pub(crate) const fn text(text: Cow<'a, str>) -> Self {
        Self {
            body: PartBody::Text(text),
            cache_control: None,
            number: 0,
        }
    }

    /// Refuses this part of the message at `place`.
    pub(crate) fn refuse(&self, place: Place, must: &str) -> RequestFault {
        place.refuse(&format!(".content[{}]", self.number), must)
    }
}

impl<'a> Inline<'a> {
    /// Takes `url` apart, if it is a `data:` URL in base 64.
    pub(crate) fn read(url: &'a str) -> Option<Self> {
        let (head, base64) = url.strip_prefix("data:")?.split_once(',')?;
        let mut words = head.split(';');
        let media_type = words.next()?;
        words
            .any(|word| word == "base64")
            .then_some(Self { media_type, base64 })
    }
}

/// Reads a content, which is a string or a list of parts.
pub(super) fn read_content(place: Place, content: &str) -> Result<Vec<Part<'_>>, RequestFault> {
    if let Some(text) = json::text(content) {
        return Ok(vec![Part::text(text)]);
    }
    let parts = json::items(content)
        .ok_or_else(|| place.refuse(".content", "must be a string or a list of parts"))?;
    parts
        .into_iter()
        .enumerate()
        .map(|(number, part)| read_part(place, number, part))
        .collect()
}

fn read_part(place: Place, number: usize, part: &str) -> Result<Part<'_>, RequestFault> {
    let path = format!(".content[{number}]");
    let all = members(part).ok_or_else(|| place.refuse(&path, "must be an object"))?;
    let kind = member(&all, "type").and_then(json::text).unwrap_or_default();
    for (name, value) in &all {
        let known = *value == "null" || *name == "type" || *name == "cache_control" || *name == kind;
        if !known {
            return Err(place.refuse(
                &format!("{path}.{name}"),
                "cannot be served by this provider: leave it out",
            ));
        }
    }
    let body = match kind.as_ref() {
        "text" | "refusal" => PartBody::Text(text(place, &format!("{path}.{kind}"), member(&all, &kind))?),
        "image_url" => image(place, &path, member(&all, "image_url"))?,
        "file" => file(place, &path, member(&all, "file"))?,
        _ => {
            return Err(place.refuse(
                &format!("{path}.type"),
                "names a kind of part that this provider does not take",
            ));
        }
    };
    Ok(Part {
        body,
        cache_control: member(&all, "cache_control"),
        number,
    })
}

fn text<'a>(place: Place, path: &str, value: Option<&'a str>) -> Result<Cow<'a, str>, RequestFault> {
    value
        .and_then(json::text)
        .ok_or_else(|| place.refuse(path, "must be a string"))
}

/// How closely an image is looked at cannot be chosen elsewhere; `auto` and `high` are what happens anyway.
fn image<'a>(place: Place, path: &str, value: Option<&'a str>) -> Result<PartBody<'a>, RequestFault> {
    let image = value.and_then(members).unwrap_or_default();
    if let Some(detail) = member(&image, "detail")
        && !matches!(detail, "\"auto\"" | "\"high\"")
    {
        return Err(place.refuse(
            &format!("{path}.image_url.detail"),
            "must be auto or high for this provider",
        ));
    }
    Ok(PartBody::Image(text(
        place,
        &format!("{path}.image_url.url"),
        member(&image, "url"),
    )?))
}

fn file<'a>(place: Place, path: &str, value: Option<&'a str>) -> Result<PartBody<'a>, RequestFault> {
    let file = value.and_then(members).unwrap_or_default();
    if member(&file, "file_id").is_some() {
        return Err(place.refuse(
            &format!("{path}.file.file_id"),
            "names a file that only its own provider knows: send the file itself as file_data",
        ));
    }
    let data = text(
        place,
        &format!("{path}.file.file_data"),
        member(&file, "file_data"),
    )?;
    Ok(PartBody::File(
        data,
        member(&file, "filename").and_then(json::text),
    ))
}
