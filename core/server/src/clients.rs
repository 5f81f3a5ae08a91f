//! Handlers of the client APIs: each says what its path asks for, and hands the request to the straight line.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{Method, Request};
use percent_encoding::percent_decode_str;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::{Error, Kind};
use sluice_line::ask::ClientRoute;
use sluice_line::inbound::Asking;
use sluice_line::line;

use crate::App;
use crate::catalogue::CLIENT_ROUTES;
use crate::near::{self, Visitor, refuse, refuse_asking};

/// What a Gemini path may ask for, by the word after the last colon.
pub(crate) const VERBS: [(&str, Operation, Option<Form>); 5] = [
    ("generateContent", Operation::Generate, Some(Form::Whole)),
    ("streamGenerateContent", Operation::Generate, None),
    ("countTokens", Operation::CountTokens, Some(Form::Whole)),
    ("embedContent", Operation::Embed, Some(Form::Whole)),
    ("batchEmbedContents", Operation::BatchEmbed, Some(Form::Whole)),
];

/// What models stand under in a path.
const COLLECTIONS: [&str; 2] = ["models", "tunedModels"];

/// The call that a request is, where its path alone tells it.
pub(crate) fn call<B>(request: &Request<B>) -> Option<ClientRoute> {
    let path = request.uri().path();
    let mut calls = CLIENT_ROUTES.iter().filter(|_| request.method() == Method::POST);
    let call = calls.find(|route| route.path == path && route.method == "POST" && !path.contains('{'))?;
    Some(ClientRoute::body(call.api?, call.operation()?))
}

/// A route that says everything in its body.
pub(crate) fn body(
    api: Api,
    operation: Operation,
) -> impl Fn(State<App>, Request<Body>) -> Answering + Clone + Send + Sync + 'static {
    move |State(app), request| Box::pin(serve(app, request, ClientRoute::body(api, operation)))
}

/// A handler's future.
pub(crate) type Answering = std::pin::Pin<Box<dyn Future<Output = Response> + Send>>;

/// A route of Azure's, whose path names the deployment, which is the model asked for.
pub(crate) fn azure(
    api: Api,
    operation: Operation,
) -> impl Fn(State<App>, Request<Body>) -> Answering + Clone + Send + Sync + 'static {
    move |State(app), request| {
        Box::pin(async move {
            let after = request.uri().path().split_once("/deployments/").map_or("", |(_, after)| after);
            let Some(deployment) = decoded(after.split('/').next().unwrap_or_default()) else {
                return refuse(api.into(), &unusable_name(), &request);
            };
            let route = ClientRoute { model: Some(deployment), ..ClientRoute::body(api, operation) };
            serve(app, request, route).await
        })
    }
}

/// A route of Gemini's: `{collection}/{model}:{verb}`.
pub(crate) async fn gemini(State(app): State<App>, request: Request<Body>) -> Response {
    let path = request.uri().path();
    let model_alone = decoded(named(path).1).is_some_and(|model| !model.contains(':'));
    if model_alone && near::client_methods(path).is_some() {
        return near::wrong_method(app, request).await;
    }
    let route = match gemini_route(&request) {
        Ok(route) => route,
        Err(error) => return refuse(Api::Gemini.into(), &error, &request),
    };
    serve(app, request, route).await
}

fn gemini_route(request: &Request<Body>) -> Result<ClientRoute, Error> {
    let path = request.uri().path();
    let (collection, call) = named(path);
    // A colon may come as %3A from clients that encode whole segments.
    let call = decoded(call).ok_or_else(unusable_name)?;
    let unknown = || {
        let known: Vec<&str> = VERBS.iter().map(|(verb, ..)| *verb).collect();
        let message = format!(
            "`{path}` names no operation: after the model comes a colon and one of {}",
            known.join(", ")
        );
        Error::new(Kind::NoRoute, message)
    };
    let (model, verb) = call.rsplit_once(':').ok_or_else(unknown)?;
    let (_, operation, form) = VERBS.iter().find(|(name, ..)| *name == verb).ok_or_else(unknown)?;
    let form =
        form.unwrap_or_else(|| if asks_sse(request.uri().query()) { Form::Sse } else { Form::JsonArray });
    Ok(ClientRoute {
        api: Api::Gemini,
        operation: *operation,
        model: Some(model.to_owned()),
        collection,
        stream: Some(form),
    })
}

/// What a path names after its collection: a model, whose name may have slashes, and a verb.
pub(crate) fn named(path: &str) -> (&'static str, &str) {
    let after = |collection| Some((collection, path.split_once(&format!("/{collection}/"))?.1));
    let found = COLLECTIONS.into_iter().filter_map(after);
    // The longest, as a model's name may have such a part too.
    found.max_by_key(|(_, rest)| rest.len()).unwrap_or(("models", ""))
}

fn asks_sse(query: Option<&str>) -> bool {
    query.unwrap_or_default().split('&').any(|pair| matches!(pair, "alt=sse" | "$alt=sse" | "%24alt=sse"))
}

fn decoded(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

fn unusable_name() -> Error {
    Error::bad_request(Some("model"), "the model's name in the path is not UTF-8 once percent-decoded")
}

/// A WebSocket upgrade, which makes Codex fall back to HTTP at once.
pub(crate) async fn websocket(State(app): State<App>, request: Request<Body>) -> Response {
    let style = Api::OpenaiResponses.into();
    if request.headers().contains_key(http::header::UPGRADE) {
        let message = "WebSockets are not offered here: send POST over HTTP";
        return refuse(style, &Error::new(Kind::UpgradeRequired, message), &request);
    }
    let asking = Asking::of(request.headers(), request.uri().query());
    match asking.authenticate(&app.gateway.snapshot(), app.gateway.now()) {
        Err(error) => {
            let (path, client) = (request.uri().path(), request.extensions().get());
            refuse_asking(&app, style, &error, &Visitor { asking: &asking, path, client })
        }
        Ok(_) => near::wrong_method(app, request).await,
    }
}

/// Hands a call to the straight line.
pub(crate) async fn serve(app: App, request: Request<Body>, route: ClientRoute) -> Response {
    line::serve(&app.gateway, request, route).await.map(Body::new)
}

#[cfg(test)]
mod tests {
    use http::{Method, Request};

    use super::call;
    use crate::catalogue::CLIENT_ROUTES;

    #[test]
    fn every_call_whose_path_tells_all_is_known_by_it_and_nothing_else_is() {
        for route in CLIENT_ROUTES {
            let request =
                |method: Method| Request::builder().method(method).uri(route.path).body(()).unwrap();
            let tells_all = route.method == "POST" && !route.path.contains('{');
            let known = call(&request(Method::POST)).map(|call| (Some(call.api), Some(call.operation)));
            let is_called =
                CLIENT_ROUTES.iter().any(|other| other.path == route.path && other.method == "POST");
            assert_eq!(known.is_some(), !route.path.contains('{') && is_called, "{}", route.path);
            if tells_all {
                assert_eq!(known, Some((route.api, route.operation())), "{}", route.path);
            }
            assert!(call(&request(Method::GET)).is_none(), "{}", route.path);
        }
    }
}
