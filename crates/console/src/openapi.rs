//! The OpenAPI document of the management API, made from the code: handlers say what they take and give, and the table of
//! routes says who may call them and so how they refuse.

use http::Method;
use utoipa::OpenApi as _;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Components, ContentBuilder, OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder};

use crate::access::{Access, KEY_HEADERS};
use crate::api::{credits, plans, platform_keys, provider_keys, usage_records, virtual_keys, workspaces};
use crate::error::{Code, ErrorReply};
use crate::router::{Route, routes};
use crate::vocabulary::scope_name;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Freehold management API",
        description = "Workspaces, plans, keys, credits and records. Lists are newest first and come in parts: give \
            `next_cursor` as `cursor` for the next one. Times are RFC 3339 in UTC. Money and credits are exact decimal strings. \
            What is deleted is gone for good. Every reply carries `x-request-id`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        workspaces::list, workspaces::create, workspaces::show, workspaces::change, workspaces::delete,
        virtual_keys::list_for_operator, virtual_keys::create_for_operator, virtual_keys::delete_for_operator,
        credits::show_for_operator, credits::grant,
        plans::list, plans::show, plans::put, plans::delete,
        platform_keys::list, platform_keys::create, platform_keys::delete,
        provider_keys::list, provider_keys::create, provider_keys::show, provider_keys::change, provider_keys::delete,
        provider_keys::validate,
        virtual_keys::list, virtual_keys::create, virtual_keys::delete,
        usage_records::list, usage_records::show,
        credits::show,
    ),
    components(schemas(ErrorReply)),
    tags(
        (name = "workspaces", description = "The unit of isolation, with its own keys, plan, balance and data key."),
        (name = "virtual keys", description = "Keys issued to callers. Shown once; only a keyed hash is kept."),
        (name = "provider keys", description = "A workspace's own keys for providers. Write only: never shown again."),
        (name = "platform keys", description = "The platform's own keys for providers."),
        (name = "plans", description = "Named sets of limits, ceilings and allowances."),
        (name = "credits", description = "What a workspace may spend on the platform's keys."),
        (name = "usage", description = "One record for every request."),
    ),
)]
struct Document;

const OPERATOR_TOKEN: &str = "operator_token";
const VIRTUAL_KEY: &str = "virtual_key";

/// The OpenAPI document of the management API.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut document = Document::openapi();
    add_credentials(document.components.get_or_insert_default());
    for route in routes().into_list() {
        let item = document.paths.paths.get_mut(route.path);
        if let Some(operation) = item.and_then(|item| operation_of(item, &route.method)) {
            describe_access(operation, route.access);
            describe_refusals(operation, &route);
        }
    }
    document
}

fn add_credentials(components: &mut Components) {
    let bearer = |description: &str| {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(description));
        SecurityScheme::Http(scheme.build())
    };
    components.add_security_scheme(
        OPERATOR_TOKEN,
        bearer("The operator token, printed once on first start."),
    );
    components.add_security_scheme(VIRTUAL_KEY, bearer("A virtual key, which begins with `fh_`."));
    for header in KEY_HEADERS {
        let value = ApiKeyValue::with_description(header, "A virtual key, as other clients send theirs.");
        components.add_security_scheme(header, SecurityScheme::ApiKey(ApiKey::Header(value)));
    }
}

/// What `item` says of `method`.
pub(crate) fn operation_of<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match *method {
        Method::GET => item.get.as_mut(),
        Method::POST => item.post.as_mut(),
        Method::PUT => item.put.as_mut(),
        Method::PATCH => item.patch.as_mut(),
        Method::DELETE => item.delete.as_mut(),
        _ => None,
    }
}

fn describe_access(operation: &mut Operation, access: Access) {
    if access == Access::Operator {
        operation.security = Some(vec![SecurityRequirement::new(OPERATOR_TOKEN, [""; 0])]);
        return;
    }
    let credentials = std::iter::once(VIRTUAL_KEY).chain(KEY_HEADERS);
    operation.security = Some(
        credentials
            .map(|name| SecurityRequirement::new(name, [""; 0]))
            .collect(),
    );
    let scopes: Vec<_> = access
        .scopes()
        .iter()
        .map(|scope| format!("`{}`", scope_name(*scope)))
        .collect();
    let needs = format!("Needs the scope {}.", scopes.join(" or "));
    operation.description = Some(match operation.description.take() {
        Some(text) if !text.is_empty() => format!("{text}\n\n{needs}"),
        _ => needs,
    });
}

/// The refusals that follow from what a route is; a handler's own description of one stays.
fn describe_refusals(operation: &mut Operation, route: &Route) {
    let has_body = operation.request_body.is_some();
    let has_parameters = operation
        .parameters
        .as_ref()
        .is_some_and(|parameters| !parameters.is_empty());
    let is_of_one = route.path.contains('{');
    let changes = route.method != Method::GET;
    let refusals = [
        (
            true,
            Code::InvalidApiKey,
            "The credential is missing or not valid.",
        ),
        (
            route.access != Access::Operator,
            Code::InsufficientScope,
            "The virtual key may not do this.",
        ),
        (
            has_body || has_parameters,
            Code::InvalidRequest,
            "A field or parameter is wrong; the error names it.",
        ),
        (
            is_of_one,
            Code::NotFound,
            "There is no such thing, or it is not yours.",
        ),
        (changes, Code::Conflict, "It conflicts with what is there."),
        (has_body, Code::RequestTimeout, "The body did not arrive in time."),
        (
            has_body,
            Code::RequestTooLarge,
            "The body is larger than 256 KiB.",
        ),
        (has_body, Code::UnsupportedMediaType, "The body is not JSON."),
        (true, Code::InternalError, "Something broke on our side."),
        (true, Code::StoreUnavailable, "The store does not answer."),
    ];
    for (_, code, description) in refusals.into_iter().filter(|(applies, ..)| *applies) {
        let status = code.status().as_str().to_owned();
        operation
            .responses
            .responses
            .entry(status)
            .or_insert_with(|| RefOr::T(refusal(description)));
    }
}

fn refusal(description: &str) -> Response {
    let schema = Ref::from_schema_name("ErrorReply");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new()
        .description(description)
        .content("application/json", content)
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use utoipa::PartialSchema;
    use utoipa::openapi::schema::{AdditionalProperties, Schema};

    use super::*;
    use crate::api::limits::{CallerLimits, SpendLimits};
    use crate::body::Input;

    #[test]
    fn every_route_is_documented_and_nothing_else_is() {
        let mut documented = BTreeSet::new();
        let mut document = openapi();
        for (path, item) in &mut document.paths.paths {
            for method in [
                Method::GET,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ] {
                if operation_of(item, &method).is_some() {
                    documented.insert((path.clone(), method.to_string()));
                }
            }
        }
        let served: BTreeSet<_> = routes()
            .into_list()
            .into_iter()
            .map(|route| (route.path.to_owned(), route.method.to_string()))
            .collect();
        assert_eq!(documented, served);
    }

    #[test]
    fn every_operation_tells_its_credential_its_replies_and_how_it_refuses() {
        let mut document = openapi();
        let mut names = BTreeSet::new();
        for route in routes().into_list() {
            let place = format!("{} {}", route.method, route.path);
            let item = document.paths.paths.get_mut(route.path).expect(&place);
            let operation = operation_of(item, &route.method).expect(&place);
            assert!(
                operation
                    .summary
                    .as_ref()
                    .is_some_and(|summary| !summary.is_empty()),
                "{place}"
            );
            assert!(
                names.insert(operation.operation_id.clone()),
                "{place} has another's name"
            );
            assert!(
                operation
                    .security
                    .as_ref()
                    .is_some_and(|security| !security.is_empty()),
                "{place}"
            );
            assert!(
                operation.tags.as_ref().is_some_and(|tags| tags.len() == 1),
                "{place}"
            );
            for (status, reply) in &operation.responses.responses {
                let RefOr::T(reply) = reply else { panic!("{place}") };
                let content = reply.content.get("application/json");
                let has_schema = content
                    .is_some_and(|content| matches!(content, RefOr::T(content) if content.schema.is_some()));
                assert!(has_schema, "{place}: {status} has no schema");
            }
            let has = |status: &str| operation.responses.responses.contains_key(status);
            assert!(has("401") && has("503") && (has("200") || has("201")), "{place}");
            assert_eq!(has("403"), route.access != Access::Operator, "{place}");
            assert_eq!(has("404"), route.path.contains('{'), "{place}");
            let segments = route.path.matches('{').count();
            let named = operation
                .parameters
                .iter()
                .flatten()
                .filter(|parameter| match parameter {
                    RefOr::T(parameter) => route.path.contains(&format!("{{{}}}", parameter.name)),
                    RefOr::Ref(_) => false,
                });
            assert_eq!(named.count(), segments, "{place}");
        }
    }

    #[test]
    fn every_reference_in_the_document_leads_somewhere() {
        let text = serde_json::to_string(&openapi()).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut references = Vec::new();
        collect(&document, &mut references);
        assert!(references.len() > 50, "{}", references.len());
        for reference in references {
            let pointer = reference
                .strip_prefix('#')
                .expect("a reference within the document");
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    }

    fn collect(value: &serde_json::Value, references: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        serde_json::Value::String(text) if name == "$ref" => references.push(text.clone()),
                        other => collect(other, references),
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
            _ => {}
        }
    }

    /// Holds what a body may have against what is documented.
    fn agrees<T: Input + PartialSchema>(name: &str) {
        let RefOr::T(Schema::Object(schema)) = T::schema() else {
            panic!("{name} is documented as no object")
        };
        let documented: BTreeSet<_> = schema.properties.keys().map(String::as_str).collect();
        let read: BTreeSet<_> = T::FIELDS.iter().copied().collect();
        assert_eq!(documented, read, "{name}");
        let closed = matches!(
            schema.additional_properties.as_deref(),
            Some(AdditionalProperties::FreeForm(false))
        );
        assert!(closed, "{name} must be documented as taking no other fields");
    }

    #[test]
    fn the_fields_that_are_read_are_the_fields_that_are_documented() {
        agrees::<workspaces::NewWorkspace>("NewWorkspace");
        agrees::<workspaces::WorkspaceChange>("WorkspaceChange");
        agrees::<virtual_keys::NewVirtualKey>("NewVirtualKey");
        agrees::<credits::NewGrant>("NewGrant");
        agrees::<plans::PlanInput>("PlanInput");
        agrees::<provider_keys::NewProviderKey>("NewProviderKey");
        agrees::<provider_keys::ProviderKeyChange>("ProviderKeyChange");
        agrees::<CallerLimits>("CallerLimits");
        agrees::<SpendLimits>("SpendLimits");
    }
}
