//! The client routes as OpenAPI paths, with bodies that can be tried out as they are.

use sluice_api::Api;
use sluice_server::{CLIENT_ROUTES, ClientDoc};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, HttpMethod, Paths, Required, ResponseBuilder, SecurityRequirement};

use crate::examples;

/// Statuses that every client route may answer, beside 200.
const REFUSALS: [(&str, &str); 9] = [
    ("400", "The request is wrong; the sentence says where"),
    ("401", "No key, or one that is not known, revoked or expired"),
    ("403", "The key may not do this"),
    ("404", "No account could ever serve this model"),
    ("413", "The body is too large"),
    ("429", "A limit is reached; retry-after says when to try again"),
    ("502", "The upstream failed, or refused its account"),
    ("503", "No account can serve it now"),
    ("504", "The upstream did not answer in time"),
];

/// The client routes.
pub(crate) fn paths() -> Paths {
    let mut paths = Paths::new();
    for route in CLIENT_ROUTES {
        let method = if route.method == "GET" { HttpMethod::Get } else { HttpMethod::Post };
        let item = PathItem::new(method, operation(route));
        match paths.paths.get_mut(route.path) {
            Some(known) => known.merge_operations(item),
            None => {
                paths.paths.insert(route.path.to_owned(), item);
            }
        }
    }
    paths
}

fn operation(route: &ClientDoc) -> OperationBuilder {
    let mut operation = OperationBuilder::new()
        .tag(route.tag)
        .summary(Some(route.summary))
        .securities(Some(securities(route)));
    for (name, example) in parameters(route) {
        let schema = ObjectBuilder::new().schema_type(Type::String).examples([example]);
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(name)
                .parameter_in(if name == "alt" { ParameterIn::Query } else { ParameterIn::Path })
                .required(if name == "alt" { Required::False } else { Required::True })
                .example(Some(example.into()))
                .schema(Some(schema)),
        );
    }
    if let (Some(api), Some(kind)) = (route.api, route.operation) {
        let mut content = ContentBuilder::new()
            .schema(Some(ObjectBuilder::new().description(Some(format!("A request of {}", api.title())))));
        for (name, value) in examples::requests(api, kind) {
            content = content.examples_from_iter([(name, ExampleBuilder::new().value(Some(value)).build())]);
        }
        let body = RequestBodyBuilder::new()
            .content("application/json", content.build())
            .required(Some(Required::True));
        operation = operation.request_body(Some(body.build()));
    }
    let answer = ResponseBuilder::new()
        .description("The answer, in the shape of the API that was asked")
        .content("application/json", ContentBuilder::new().schema(Some(ObjectBuilder::new())).build());
    operation = operation.response("200", answer);
    for (status, what) in REFUSALS {
        if route.method == "POST" || matches!(status, "401" | "404") {
            let example = examples::refusal(route.api.unwrap_or(Api::OpenaiChat));
            let content =
                ContentBuilder::new().schema(Some(ObjectBuilder::new())).example(Some(example)).build();
            operation = operation.response(
                status,
                ResponseBuilder::new().description(what).content("application/json", content),
            );
        }
    }
    operation
}

fn securities(route: &ClientDoc) -> Vec<SecurityRequirement> {
    let of = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
    match route.tag {
        "Claude" => vec![of("client_key"), of("client_bearer")],
        "Gemini" => vec![of("google_key"), of("client_bearer")],
        "OpenAI" => vec![of("client_bearer"), of("client_key")],
        _ => vec![of("client_bearer"), of("client_key"), of("google_key")],
    }
}

fn parameters(route: &ClientDoc) -> Vec<(&'static str, &'static str)> {
    let mut some = Vec::new();
    if route.path.contains("{deployment}") {
        some.push(("deployment", "gpt-5.5"));
    }
    if route.path.contains("{model}") {
        some.push((
            "model",
            if route.path.contains("mbed") { "gemini-embedding-001" } else { "gemini-3.8-flash" },
        ));
    }
    if route.path.ends_with(":streamGenerateContent") {
        some.push(("alt", "sse"));
    }
    some
}

/// Gives every operation a name of its own, from its method and path.
pub(crate) fn name_operations(paths: &mut Paths) {
    for (path, item) in &mut paths.paths {
        let words: Vec<&str> =
            path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let name = words.join("_");
        for (method, operation) in [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ] {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}_{name}"));
            }
        }
    }
}
