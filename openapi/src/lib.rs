//! The OpenAPI document put together from the routes, and Swagger UI out of the binary.

mod clients;
mod examples;
mod finish;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;
use sluice_config::settings::plugins;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, Info, InfoBuilder, LicenseBuilder, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The path of the document.
const DOCUMENT: &str = "/openapi.json";

/// What Swagger UI may do: load itself, and ask the gateway that it came from. It sets styles in its elements, and shows
/// pictures that its style sheet holds.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// What the document says of the whole.
const DESCRIPTION: &str = "One gate in front of every model API. Clients of the Claude Messages API, the Gemini API and the OpenAI APIs point their base URL here; requests are relayed to pools of upstream accounts. To try a route out, press Authorize and enter a key of this gateway, or its admin token for the operators' routes.";

/// The OpenAPI 3.1 document of everything that the server answers.
#[must_use]
pub fn document() -> Value {
    // What is made of names and texts alone is written without fail.
    let mut document = serde_json::to_value(assembled()).unwrap_or_default();
    finish::finish(&mut document);
    document
}

fn assembled() -> OpenApi {
    let mut document = sluice_server::admin_openapi();
    document.info = info();
    for (path, item) in clients::paths().paths {
        match document.paths.paths.get_mut(&path) {
            Some(known) => known.merge_operations(item),
            None => {
                document.paths.paths.insert(path, item);
            }
        }
    }
    clients::name_operations(&mut document.paths);
    let mut components = ComponentsBuilder::from(document.components.take().unwrap_or_default());
    for (name, scheme) in security() {
        components = components.security_scheme(name, scheme);
    }
    for plugin in plugins::linked() {
        components = components.schema(plugin.settings.name, plugin.settings.schema);
        for (name, schema) in plugin.settings.referred {
            components = components.schema(name, schema);
        }
    }
    document.components = Some(components.build());
    document
}

/// `/openapi.json`, and `/docs` with Swagger UI.
pub fn router() -> Router {
    let config = Config::from(DOCUMENT)
        .try_it_out_enabled(true)
        // What is authorized with is gone with the page: local storage is no place for an admin token.
        .persist_authorization(false)
        .display_request_duration(true);
    // Written once, when it is first asked for: as a tree it would take megabytes of a process that nobody asks.
    let written: Arc<OnceLock<Bytes>> = Arc::default();
    let served = move || {
        let body = written.get_or_init(|| serde_json::to_vec(&document()).unwrap_or_default().into()).clone();
        async move { ([(CONTENT_TYPE, "application/json")], body) }
    };
    let pages = Router::from(SwaggerUi::new("/docs").config(config));
    pages.layer(map_response(guard)).route(DOCUMENT, get(served))
}

async fn guard(mut page: Response) -> Response {
    page.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    page
}

fn info() -> Info {
    InfoBuilder::new()
        .title("Sluice")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build()
}

fn security() -> [(&'static str, SecurityScheme); 4] {
    let header = |name: &str, what: &str| {
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, what)))
    };
    let bearer = |what: &str| {
        SecurityScheme::Http(
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(what)).build(),
        )
    };
    [
        ("client_key", header("x-api-key", "A key of this gateway, as Claude's clients send it")),
        ("google_key", header("x-goog-api-key", "A key of this gateway, as Gemini's clients send it")),
        ("client_bearer", bearer("A key of this gateway, as OpenAI's clients send it")),
        ("admin_token", bearer("The admin token")),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn every_operation_has_a_name_of_its_own_and_every_client_route_is_there() {
        let document = super::document();
        let mut names = HashSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let Some(name) = operation["operationId"].as_str() else {
                    panic!("{method} {path} has no operationId")
                };
                assert!(names.insert(name.to_owned()), "{name}");
            }
        }
        for route in sluice_server::CLIENT_ROUTES {
            let operation = &document["paths"][route.path][route.method.to_lowercase()];
            assert!(operation.is_object(), "{} {}", route.method, route.path);
            if route.method == "POST" {
                assert!(
                    operation["requestBody"]["content"]["application/json"].to_string().contains("example"),
                    "{}",
                    route.path
                );
            }
        }
        assert_eq!(document["info"]["license"]["identifier"], "Apache-2.0");
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    }
}
