//! The smallest value that a JSON schema allows, near enough for an answer by rule.

use serde_json::{Map, Value};

/// Schemas may refer to themselves; below this depth, and beyond this many values, everything is null.
const DEPTH_MAX: usize = 16;
const VALUES_MAX: usize = 1000;

/// A value of the schema: required members only, empty texts and lists, zeros, the first of every choice.
pub(super) fn smallest(schema: &Value) -> Value {
    let mut left = VALUES_MAX;
    value(schema, schema, DEPTH_MAX, &mut left)
}

fn value(schema: &Value, root: &Value, depth: usize, left: &mut usize) -> Value {
    let (Some(depth), Some(rest)) = (depth.checked_sub(1), left.checked_sub(1)) else {
        return Value::Null;
    };
    *left = rest;
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    if let Some(first) = schema.get("enum").and_then(|choices| choices.get(0)) {
        return first.clone();
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let target = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return target.map_or(Value::Null, |target| value(target, root, depth, left));
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema.get(choice).and_then(|choices| choices.get(0)) {
            return value(first, root, depth, left);
        }
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        kind => kind.and_then(Value::as_str),
    };
    match kind {
        Some("string") => Value::from(""),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| Value::from(0)),
        Some("boolean") => Value::from(false),
        Some("null") => Value::Null,
        Some("array") => {
            let count = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0).min(8);
            let items = schema.get("items").unwrap_or(&Value::Null);
            (0..count).map(|_| value(items, root, depth, left)).collect()
        }
        _ => object(schema, root, depth, left),
    }
}

fn object(schema: &Value, root: &Value, depth: usize, left: &mut usize) -> Value {
    let required = schema.get("required").and_then(Value::as_array);
    let names = required.into_iter().flatten().filter_map(Value::as_str);
    let members: Map<String, Value> = names
        .map(|name| {
            let member = schema
                .get("properties")
                .and_then(|properties| properties.get(name));
            (
                name.to_owned(),
                member.map_or(Value::Null, |member| value(member, root, depth, left)),
            )
        })
        .collect();
    Value::Object(members)
}
