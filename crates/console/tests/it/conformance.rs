//! Holds a reply against the OpenAPI document: its status is told of there, and its body is as described, no member more.

use std::sync::LazyLock;

use http::{Method, StatusCode};
use serde_json::Value;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(freehold_console::openapi()).unwrap());

/// The reply is as documented. Addresses and methods that are not documented are let pass: they have no promise to keep.
#[track_caller]
pub(crate) fn check(method: &Method, path: &str, status: StatusCode, body: &Value) {
    let Some(operation) = operation(method, path) else {
        return;
    };
    let place = format!("{method} {path} answered {status}");
    let described = &operation["responses"][status.as_str()];
    assert!(described.is_object(), "{place}, which is not documented: {body}");
    let faults = faults(&described["content"]["application/json"]["schema"], body, "");
    assert!(faults.is_empty(), "{place}: {faults:?} in {body}");
}

fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let parts: Vec<_> = path.split('/').collect();
    let (_, item) = paths.iter().find(|(template, _)| {
        let template: Vec<_> = template.split('/').collect();
        let fits =
            |(part, given): (&&str, &&str)| part.starts_with('{') && !given.is_empty() || part == given;
        template.len() == parts.len() && template.iter().zip(&parts).all(fits)
    })?;
    item.get(method.as_str().to_lowercase())
}

/// What is wrong with `value` by `schema`; nothing if it is as described.
fn faults(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap();
        return faults(target, value, at);
    }
    if let Some(options) = schema["oneOf"].as_array() {
        let fitting = options
            .iter()
            .filter(|option| faults(option, value, at).is_empty())
            .count();
        return if fitting == 1 {
            Vec::new()
        } else {
            vec![format!("{at} fits {fitting} of its forms")]
        };
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return faults(&merged(parts), value, at);
    }
    let mut found = Vec::new();
    if !has_type(&schema["type"], value) {
        found.push(format!("{at} should be {}", schema["type"]));
    }
    if let Some(names) = schema["enum"].as_array()
        && !names.contains(value)
    {
        found.push(format!("{at} is none of its words"));
    }
    if let (Some(items), Some(schema)) = (value.as_array(), schema.get("items")) {
        found.extend(
            items
                .iter()
                .flat_map(|item| faults(schema, item, &format!("{at}[]"))),
        );
    }
    let (Some(members), Some(properties)) = (value.as_object(), schema["properties"].as_object()) else {
        return found;
    };
    for required in schema["required"].as_array().into_iter().flatten() {
        if !members.contains_key(required.as_str().unwrap()) {
            found.push(format!("{at} lacks {required}"));
        }
    }
    for (name, member) in members {
        match properties.get(name) {
            Some(schema) => found.extend(faults(schema, member, &format!("{at}.{name}"))),
            None => found.push(format!("{at}.{name} is not documented")),
        }
    }
    found
}

/// One object with the members of all `parts`.
fn merged(parts: &[Value]) -> Value {
    let mut whole = serde_json::json!({"type": "object", "properties": {}, "required": []});
    for part in parts {
        let part = match part["$ref"].as_str() {
            Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap(),
            None => part,
        };
        for (name, schema) in part["properties"].as_object().into_iter().flatten() {
            whole["properties"][name] = schema.clone();
        }
        let required = part["required"].as_array().cloned().unwrap_or_default();
        whole["required"].as_array_mut().unwrap().extend(required);
    }
    whole
}

fn has_type(types: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("an unknown type {other}"),
    };
    match types {
        Value::Null => true,
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap())),
        other => panic!("an unknown type {other}"),
    }
}

#[test]
fn what_is_not_as_documented_is_found() {
    let at = |path: &str, body: Value| {
        faults(
            &operation(&Method::GET, path).unwrap()["responses"]["200"]["content"]["application/json"]["schema"],
            &body,
            "",
        )
    };
    let right = serde_json::json!({"object": "credits", "workspace_id": "ws_1", "granted": "1", "posted": "0", "held": "0", "available": "1"});
    assert_eq!(at("/v1/credits", right.clone()), [""; 0]);
    for (member, wrong) in [("granted", serde_json::json!(1)), ("more", serde_json::json!(1))] {
        let mut body = right.clone();
        body[member] = wrong;
        assert_eq!(at("/v1/credits", body).len(), 1, "{member}");
    }
    let mut body = right;
    body.as_object_mut().unwrap().remove("held");
    assert_eq!(at("/v1/credits", body).len(), 1);
}
