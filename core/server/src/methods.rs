//! Which methods a path takes, as `allow` lists them.

use utoipa::openapi::OpenApi;

/// Which methods the routes of the operators take.
#[derive(Debug)]
pub(crate) struct OperatorRoutes(Vec<(String, String)>);

impl OperatorRoutes {
    /// Of the routes that a document has.
    pub(crate) fn of(document: OpenApi) -> Self {
        let routes = document.paths.paths.into_iter().filter_map(|(path, item)| {
            let methods = [
                ("GET", item.get.is_some()),
                ("POST", item.post.is_some()),
                ("PATCH", item.patch.is_some()),
                ("DELETE", item.delete.is_some()),
            ];
            let methods = methods.into_iter().filter(|(_, taken)| *taken).map(|(method, _)| method);
            Some((path, listed(methods)?))
        });
        Self(routes.collect())
    }

    /// The methods of a path, as `allow` lists them.
    pub(crate) fn methods(&self, path: &str) -> Option<&str> {
        let route = self.0.iter().find(|(route, _)| fits(route, path));
        route.map(|(_, methods)| methods.as_str())
    }
}

/// Methods as `allow` lists them; where there is GET there is HEAD.
pub(crate) fn listed<'a>(methods: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut all: Vec<&str> = Vec::new();
    for method in methods {
        let more: &[&str] = if method == "GET" { &["GET", "HEAD"] } else { &[method] };
        all.extend(more.iter().filter(|one| !all.contains(one)).copied().collect::<Vec<_>>());
    }
    (!all.is_empty()).then(|| all.join(", "))
}

/// Whether a path is one of a route with `{parameters}`. A `{model}` may have slashes, and stands last.
pub(crate) fn fits(route: &str, path: &str) -> bool {
    if let Some((before, after)) = route.split_once("{model}") {
        let model = path.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        return model.is_some_and(|model| model.split('/').all(|part| !part.is_empty()));
    }
    let (mut wanted, mut found) = (route.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) if part_fits(wanted, found) => {}
            _ => return false,
        }
    }
}

fn part_fits(wanted: &str, found: &str) -> bool {
    match wanted.split_once('}') {
        None => wanted == found,
        Some((_, after)) => found.len() > after.len() && found.ends_with(after),
    }
}
