//! The client routes as OpenAPI paths, with bodies that can be tried out as they are.

use sluice_api::dialect::{Api, Operation};
use sluice_server::{Asks, CLIENT_ROUTES, ClientDoc};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{ContentBuilder, HttpMethod, Paths, Required, ResponseBuilder, SecurityRequirement};

use crate::examples;

/// Statuses that a client route may answer beside 200; those that only look something up have the first few.
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
    if let (Some(api), Asks::Call(kind)) = (route.api, route.asks) {
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
    let api = route.api.unwrap_or(Api::OpenaiChat);
    responses(route).into_iter().fold(operation, |operation, (status, what)| {
        let mut response = ResponseBuilder::new().description(what);
        if status == "200" {
            for (kind, schema) in answers(route) {
                response = response.content(kind, ContentBuilder::new().schema(Some(schema)).build());
            }
        } else {
            let content = ContentBuilder::new().schema(Some(ObjectBuilder::new()));
            response =
                response.content("application/json", content.example(Some(examples::refusal(api))).build());
        }
        operation.response(status, response)
    })
}

/// The media types that a route answers in, and what is in each.
fn answers(route: &ClientDoc) -> Vec<(&'static str, Schema)> {
    let json = |of: Type| ("application/json", Schema::Object(ObjectBuilder::new().schema_type(of).build()));
    let text = |kind, what: &str| {
        let text = ObjectBuilder::new().schema_type(Type::String).description(Some(what));
        (kind, Schema::Object(text.build()))
    };
    let events = text(
        "text/event-stream",
        "Server-sent events, as the API that was asked streams them; handed on as they come",
    );
    match route.asks {
        Asks::Hello => vec![text("text/plain", "Nothing")],
        Asks::Call(_) if route.path.ends_with(":streamGenerateContent") => {
            let array = ArrayBuilder::new().items(ObjectBuilder::new()).build();
            vec![events, ("application/json", Schema::Array(array))]
        }
        Asks::Call(Operation::Generate | Operation::Images) if !route.names_verb() => {
            vec![json(Type::Object), events]
        }
        _ => vec![json(Type::Object)],
    }
}

/// What a route may answer, by status.
fn responses(route: &ClientDoc) -> Vec<(&'static str, &'static str)> {
    const ANSWER: (&str, &str) = ("200", "The answer, in the shape of the API that was asked");
    let refusals = |statuses: &[&str]| {
        REFUSALS.into_iter().filter(|(status, _)| statuses.contains(status)).collect::<Vec<_>>()
    };
    match route.asks {
        Asks::Hello => vec![("200", "Something answers; the body is empty")],
        Asks::WebSocket => [
            refusals(&["401"]),
            vec![
                ("405", "It is no upgrade: this route takes POST"),
                ("426", "WebSockets are not offered: send POST over HTTP"),
            ],
        ]
        .concat(),
        Asks::Call(_) => [vec![ANSWER], REFUSALS.to_vec()].concat(),
        Asks::Models | Asks::Model => [vec![ANSWER], refusals(&["401", "404"])].concat(),
        Asks::Key => [vec![ANSWER], refusals(&["401", "503"])].concat(),
        Asks::Usage | Asks::Requests => [vec![ANSWER], refusals(&["400", "401", "503"])].concat(),
    }
}

fn securities(route: &ClientDoc) -> Vec<SecurityRequirement> {
    let of = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
    if route.asks == Asks::Hello {
        return Vec::new();
    }
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
