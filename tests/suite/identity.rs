//! Byte identity on the routes beside the usual ones: counting, compacting, embeddings, and Azure's deployments.

use sluice_tests::gateway::{Gateway, account, key};
use sluice_tests::upstream::{Upstream, whole};

/// A route, and what it becomes.
struct Route {
    /// The account's provider, and more of its settings.
    account: (&'static str, &'static str),
    paths: &'static [&'static str],
    /// Where the upstream is asked.
    upstream: &'static str,
    request: &'static str,
    answer: &'static str,
}

const AZURE: (&str, &str) = ("azure-openai", "api_version = \"2024-10-21\"");
const AZURE_V1: (&str, &str) = ("azure-openai", "");

const ROUTES: [Route; 14] = [
    Route {
        account: ("claude-console", ""),
        paths: &[
            "/v1/messages/count_tokens",
            "/api/v1/messages/count_tokens",
            "/claude/v1/messages/count_tokens",
            "/api/claude/v1/messages/count_tokens",
        ],
        upstream: "/v1/messages/count_tokens",
        request: " { \"messages\":[ ],\"model\" : \"m\\u002d1\", \"x\":1.0e+2}\n",
        answer: "{ \"input_tokens\" : 7 ,\"x\":0.10}",
    },
    Route {
        account: ("openai", ""),
        paths: &["/v1/responses/compact", "/openai/v1/responses/compact"],
        upstream: "/v1/responses/compact",
        request: "{\"model\":\"m-1\",\"input\":[ {\"type\":\"message\"} ],\"x\":-0.0}",
        answer: "{\"object\":\"response.compaction\",\"output\":[ ],\"usage\":{\"input_tokens\":9,\"output_tokens\":41,\"total_tokens\":50}}",
    },
    Route {
        account: ("openai-responses", ""),
        paths: &["/v1/responses/input_tokens", "/openai/v1/responses/input_tokens"],
        upstream: "/v1/responses/input_tokens",
        request: "{\"input\":\"\\u00e9\",\"model\":\"m-1\" }",
        answer: "{\"object\":\"response.input_tokens\",\"input_tokens\":11 }",
    },
    Route {
        account: ("gemini", ""),
        paths: &[
            "/v1beta/models/m-1:countTokens",
            "/v1/models/m-1:countTokens",
            "/gemini/v1beta/models/m-1:countTokens",
            "/gemini/v1/models/m-1:countTokens",
        ],
        upstream: "/v1beta/models/m-1:countTokens",
        request: "{\"generateContentRequest\":{\"model\":\"models/m-1\",\"contents\":[ ]},\"x\":1.50}",
        answer: "{\"totalTokens\":3 , \"promptTokensDetails\":[]}",
    },
    Route {
        account: ("gemini", ""),
        paths: &[
            "/v1beta/models/m-1:embedContent",
            "/v1/models/m-1:embedContent",
            "/gemini/v1/models/m-1:embedContent",
        ],
        upstream: "/v1beta/models/m-1:embedContent",
        request: "{\"model\":\"models/m-1\",\"content\":{\"parts\":[{\"text\":\"a\"}]} }",
        answer: "{\"embedding\":{\"values\":[0.10,-0.0,1e-7]}}",
    },
    Route {
        account: ("gemini", ""),
        paths: &["/v1beta/models/m-1:batchEmbedContents", "/v1/models/m-1:batchEmbedContents"],
        upstream: "/v1beta/models/m-1:batchEmbedContents",
        request: "{ \"requests\":[{\"model\":\"models/m-1\",\"content\":{}},{\"model\":\"models\\/m-1\"}]}",
        answer: "{\"embeddings\":[{\"values\":[0.10]} ]}",
    },
    Route {
        account: ("gemini", ""),
        paths: &["/v1beta/tunedModels/m-1:generateContent", "/gemini/v1/tunedModels/m-1:generateContent"],
        upstream: "/v1beta/tunedModels/m-1:generateContent",
        request: "{\"contents\":[ ],\"generation_config\":{\"temperature\":1.0}}",
        answer: "{\"candidates\":[ ]}",
    },
    Route {
        account: AZURE,
        paths: &["/azure/openai/deployments/m-1/chat/completions?api-version=2023-05-15"],
        upstream: "/openai/deployments/m-1/chat/completions?api-version=2024-10-21",
        request: "{\"messages\":[ ],\"model\":\"m-1\",\"x\":1.0}",
        answer: "{\"choices\":[ ],\"prompt_filter_results\":[]}",
    },
    Route {
        account: AZURE,
        paths: &["/azure/openai/deployments/m-1/embeddings?api-version=2024-10-21"],
        upstream: "/openai/deployments/m-1/embeddings?api-version=2024-10-21",
        request: "{ \"input\":\"a\" }",
        answer: "{\"data\":[{\"embedding\":[0.10]}]}",
    },
    Route {
        account: AZURE,
        paths: &["/azure/openai/deployments/m-1/images/generations?api-version=2024-10-21"],
        upstream: "/openai/deployments/m-1/images/generations?api-version=2024-10-21",
        request: "{ \"prompt\":\"p\" }",
        answer: "{\"data\":[{\"url\":\"http:\\/\\/x\"}]}",
    },
    Route {
        account: AZURE_V1,
        paths: &["/azure/openai/v1/embeddings?api-version=preview", "/azure/openai/v1/embeddings"],
        upstream: "/openai/v1/embeddings",
        request: "{\"input\":[ \"a\" ],\"model\":\"m-1\"}",
        answer: "{\"data\":[ ]}",
    },
    Route {
        account: AZURE_V1,
        paths: &["/azure/openai/responses?api-version=2025-04-01-preview", "/azure/openai/v1/responses"],
        upstream: "/openai/v1/responses",
        request: "{\"input\":\"a\" ,\"model\":\"m-1\"}",
        answer: "{\"output\":[ ]}",
    },
    Route {
        account: ("openai", ""),
        paths: &["/azure/openai/deployments/m-1/embeddings?api-version=2024-10-21&x=1"],
        upstream: "/v1/embeddings?x=1",
        request: "{\"model\":\"m-1\", \"input\":\"a\"}",
        answer: "{\"data\":[ ] }",
    },
    Route {
        account: ("openai", ""),
        paths: &["/azure/openai/deployments/m-1/images/generations?api-version=2024-10-21"],
        upstream: "/v1/images/generations",
        request: "{\"prompt\":\"p\", \"model\":\"m-1\"}",
        answer: "{\"data\":[ ] }",
    },
];

#[test]
fn bodies_pass_byte_for_byte_on_the_further_routes() {
    for route in &ROUTES {
        let upstream = Upstream::start(|_| whole(200, "", route.answer));
        let (provider, more) = route.account;
        let gateway = Gateway::start(&(account("a", provider, &upstream.address, more) + &key("")));
        for path in route.paths {
            let answer = gateway.post(path, route.request);
            assert_eq!((answer.status, answer.text().as_str()), (200, route.answer), "{provider} {path}");
            let seen = upstream.last();
            assert_eq!(String::from_utf8_lossy(&seen.body), route.request, "{provider} {path}");
            assert_eq!(seen.line, format!("POST {}", route.upstream), "{provider} {path}");
            let record = gateway.record();
            let recorded =
                (record["model"].as_str(), record["upstream_model"].as_str(), record["outcome"].as_str());
            assert_eq!(recorded, (Some("m-1"), Some("m-1"), Some("completed")), "{provider} {path}");
        }
    }
}

#[test]
fn a_name_that_only_the_path_had_is_put_into_the_body_and_one_that_differs_gives_way_to_it() {
    for (path, request, sent) in [
        ("chat/completions", "{\"messages\":[ ]}", "{\"model\":\"d-1\",\"messages\":[ ]}"),
        ("chat/completions", "{ \"model\" : \"other\",\"x\":1.0}", "{ \"model\" : \"d-1\",\"x\":1.0}"),
        ("embeddings", "{}", "{\"model\":\"d-1\"}"),
        ("images/generations", "{ \"prompt\":\"p\"}", "{\"model\":\"d-1\", \"prompt\":\"p\"}"),
    ] {
        let upstream = Upstream::start(|_| whole(200, "", "{}"));
        let gateway = Gateway::start(&(account("a", "openai", &upstream.address, "") + &key("")));
        assert_eq!(
            gateway.post(&format!("/azure/openai/deployments/d-1/{path}"), request).status,
            200,
            "{path}"
        );
        assert_eq!(String::from_utf8_lossy(&upstream.last().body), sent, "{path}");
    }
}

#[test]
fn a_mapped_name_is_spliced_wherever_it_stands_and_nothing_else_is() {
    let map = "model_map = { \"asked\" = \"sent\" }";
    let deployments = "api_version = \"2024-10-21\"\ndeployments = { \"asked\" = \"sent\" }";
    for (provider, more, path, request, line, sent) in [
        (
            "claude-console",
            map,
            "/v1/messages/count_tokens",
            "{\"x\":\"asked\", \"model\":\"asked\",\"y\":1.0}",
            "/v1/messages/count_tokens",
            "{\"x\":\"asked\", \"model\":\"sent\",\"y\":1.0}",
        ),
        (
            "gemini",
            map,
            "/v1beta/models/asked:batchEmbedContents",
            "{\"requests\":[ {\"model\":\"models/asked\"},{\"model\":\"models/asked\",\"x\":1.0}]}",
            "/v1beta/models/sent:batchEmbedContents",
            "{\"requests\":[ {\"model\":\"models/sent\"},{\"model\":\"models/sent\",\"x\":1.0}]}",
        ),
        (
            "gemini",
            map,
            "/v1beta/models/asked:countTokens",
            "{\"generateContentRequest\":{ \"model\":\"models/asked\"}}",
            "/v1beta/models/sent:countTokens",
            "{\"generateContentRequest\":{ \"model\":\"models/sent\"}}",
        ),
        (
            "azure-openai",
            deployments,
            "/v1/embeddings",
            "{\"input\":\"asked\", \"model\":\"asked\"}",
            "/openai/deployments/sent/embeddings?api-version=2024-10-21",
            "{\"input\":\"asked\", \"model\":\"sent\"}",
        ),
    ] {
        let upstream = Upstream::start(|_| whole(200, "", "{}"));
        let gateway = Gateway::start(&(account("a", provider, &upstream.address, more) + &key("")));
        assert_eq!(gateway.post(path, request).status, 200, "{path}");
        assert_eq!(upstream.last().line, format!("POST {line}"));
        assert_eq!(String::from_utf8_lossy(&upstream.last().body), sent, "{path}");
    }
}
