//! Makes up a value that fits a JSON schema: enough for tools and structured answers, always the same.

use serde_json::{Map, Value, json};

/// Deeper schemas, such as those that contain themselves, get null there.
const DEPTH_MAX: u8 = 16;

/// A value that fits `schema`. `seed` tells apart the arguments of two calls: it goes into numbers and free text.
pub(super) fn instance(schema: &Value, seed: u64) -> Value {
    fill(schema, schema, seed, 0)
}

fn fill(root: &Value, schema: &Value, seed: u64, depth: u8) -> Value {
    if depth > DEPTH_MAX {
        return Value::Null;
    }
    let deeper = |inner: &Value| fill(root, inner, seed, depth + 1);
    if let Some(pointer) = schema["$ref"].as_str().and_then(|path| path.strip_prefix('#')) {
        return deeper(root.pointer(pointer).unwrap_or(&Value::Null));
    }
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema[choice].get(0) {
            return deeper(first);
        }
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match kind {
        Some("object") => object(schema, deeper),
        Some("array") => Value::Array(vec![deeper(&schema["items"])]),
        Some("integer") => json!(
            schema["minimum"]
                .as_i64()
                .unwrap_or(41)
                .saturating_add(to_signed(seed))
        ),
        Some("number") => json!(schema["minimum"].as_f64().unwrap_or(1.5)),
        Some("boolean") => Value::Bool(true),
        Some("null") => Value::Null,
        None if schema["properties"].is_object() => object(schema, deeper),
        _ => Value::String(format!("text {seed}")),
    }
}

fn object(schema: &Value, fill: impl Fn(&Value) -> Value) -> Value {
    let properties = schema["properties"].as_object();
    let filled = properties
        .into_iter()
        .flatten()
        .map(|(name, inner)| (name.clone(), fill(inner)));
    Value::Object(filled.collect::<Map<_, _>>())
}

fn to_signed(seed: u64) -> i64 {
    i64::try_from(seed).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_has_every_property_in_its_type() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["celsius", "kelvin"]},
                "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}}, "note": {"type": ["string", "null"]}
            },
            "$defs": {"tag": {"type": "object", "properties": {"name": {"type": "string"}}}}
        });
        assert_eq!(
            instance(&schema, 1),
            json!({"city": "text 1", "days": 42, "unit": "celsius", "tags": [{"name": "text 1"}], "note": "text 1"})
        );
    }

    #[test]
    fn a_schema_within_itself_comes_to_an_end() {
        let schema = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
        assert!(instance(&schema, 1).is_object());
    }
}
