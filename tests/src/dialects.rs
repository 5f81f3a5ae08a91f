//! A sample of every client API: a request, and what its upstream answers.

/// A client API as the suite exercises it.
pub struct Dialect {
    /// Its name in configuration.
    pub api: &'static str,
    /// The provider whose account serves it.
    pub provider: &'static str,
    /// Paths, the first one the usual.
    pub paths: &'static [&'static str],
    /// The path that the upstream is asked at.
    pub upstream: &'static str,
    /// A request body with unknown fields, odd numbers, escapes and white space.
    pub request: &'static str,
    /// A whole answer, as odd.
    pub answer: &'static str,
    /// A stream, complete; empty where there is none.
    pub stream: &'static str,
    /// The path that asks for the stream, and the body that does.
    pub stream_request: (&'static str, &'static str),
    /// Input and output tokens of answer and stream.
    pub used: (u64, u64),
}

/// Every dialect.
pub const DIALECTS: [Dialect; 6] = [
    Dialect {
        api: "anthropic",
        provider: "claude-console",
        paths: &[
            "/v1/messages",
            "/api/v1/messages",
            "/claude/v1/messages",
            "/api/claude/v1/messages",
            "/v1/messages?beta=true",
        ],
        upstream: "/v1/messages",
        request: " {\"model\" : \"m-1\",\"max_tokens\":1.0e+2, \"x\":0.10000000000000000555,\"big\":12345678901234567890123,\n\t\"messages\":[{\"role\":\"user\",\"content\":\"\\u00e9 \\/ \\ud83d\\ude00\"}]} ",
        answer: "{ \"id\":\"msg_1\", \"x\":1.0e+2,\"content\":[{\"type\":\"text\",\"text\":\"\\u00e9\"}],\"usage\":{\"input_tokens\":9,\"output_tokens\":41} }\n",
        stream: "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"h\u{e9}\"}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":41}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        stream_request: (
            "/v1/messages",
            "{\"model\":\"m-1\",\"stream\":true,\"max_tokens\":9,\"messages\":[]}",
        ),
        used: (9, 41),
    },
    Dialect {
        api: "openai-chat",
        provider: "openai",
        paths: &[
            "/v1/chat/completions",
            "/openai/v1/chat/completions",
            "/api/v1/chat/completions",
            "/azure/openai/v1/chat/completions",
        ],
        upstream: "/v1/chat/completions",
        request: "{\"messages\":[ ], \"model\":\"m-1\" ,\"n\":1,\"x\":-0.0}",
        answer: "{\"id\":\"c\",\"choices\":[], \"usage\":{\"prompt_tokens\":9,\"completion_tokens\":41,\"total_tokens\":50}}",
        stream: "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"h\u{e9}\"}}]}\n\ndata: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":41,\"total_tokens\":50}}\n\ndata: [DONE]\n\n",
        stream_request: (
            "/v1/chat/completions",
            "{\"model\":\"m-1\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"messages\":[]}",
        ),
        used: (9, 41),
    },
    Dialect {
        api: "openai-responses",
        provider: "openai-responses",
        paths: &[
            "/v1/responses",
            "/responses",
            "/openai/v1/responses",
            "/openai/responses",
            "/azure/openai/responses",
            "/azure/openai/v1/responses",
        ],
        upstream: "/v1/responses",
        request: "{\"model\":\"m-1\",\"input\":\"\\u0041\" , \"unknown\":[1E5]}",
        answer: "{\"id\":\"r\",\"output\":[],\"usage\":{\"input_tokens\":9,\"output_tokens\":41,\"total_tokens\":50}}",
        stream: "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_9\"}}\n\nevent: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":1,\"delta\":\"h\u{e9}\"}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":2,\"response\":{\"id\":\"resp_9\",\"usage\":{\"input_tokens\":9,\"output_tokens\":41,\"total_tokens\":50}}}\n\n",
        stream_request: ("/v1/responses", "{\"model\":\"m-1\",\"stream\":true,\"input\":\"x\"}"),
        used: (9, 41),
    },
    Dialect {
        api: "openai-embeddings",
        provider: "openai-compatible",
        paths: &["/v1/embeddings", "/openai/v1/embeddings", "/azure/openai/v1/embeddings"],
        upstream: "/v1/embeddings",
        request: "{\"model\":\"m-1\",\"input\":[\"a\"] }",
        answer: "{\"data\":[{\"embedding\":[0.10,-0.0]}],\"usage\":{\"prompt_tokens\":9,\"total_tokens\":9}}",
        stream: "",
        stream_request: ("", ""),
        used: (9, 0),
    },
    Dialect {
        api: "openai-images",
        provider: "openai",
        paths: &[
            "/v1/images/generations",
            "/openai/v1/images/generations",
            "/azure/openai/v1/images/generations",
        ],
        upstream: "/v1/images/generations",
        request: "{\"prompt\":\"p\",\"model\":\"m-1\"}",
        answer: "{\"data\":[{\"b64_json\":\"AA==\"}],\"usage\":{\"input_tokens\":9,\"output_tokens\":41,\"total_tokens\":50}}",
        stream: "",
        stream_request: ("", ""),
        used: (9, 41),
    },
    Dialect {
        api: "gemini",
        provider: "gemini",
        paths: &[
            "/v1beta/models/m-1:generateContent",
            "/v1/models/m-1:generateContent",
            "/gemini/v1beta/models/m-1:generateContent",
            "/gemini/v1/models/m-1:generateContent",
            "/v1beta/models/m-1%3AgenerateContent",
        ],
        upstream: "/v1beta/models/m-1:generateContent",
        request: "{\"contents\":[{\"parts\":[{\"inline_data\":{\"data\":\"AA==\"}}]}],\"x\":1.50}",
        answer: "{\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":41,\"totalTokenCount\":50}}",
        stream: "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"h\u{e9}\"}]}}],\"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":1,\"totalTokenCount\":10}}\r\n\r\ndata: {\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":41,\"totalTokenCount\":50}}\r\n\r\n",
        stream_request: ("/v1beta/models/m-1:streamGenerateContent?alt=sse", "{\"contents\":[]}"),
        used: (9, 41),
    },
];

/// The dialect of an API.
#[must_use]
pub fn dialect(api: &str) -> &'static Dialect {
    DIALECTS.iter().find(|dialect| dialect.api == api).expect("a dialect of this name")
}

/// Every dialect that has streams.
pub fn streaming() -> impl Iterator<Item = &'static Dialect> {
    DIALECTS.iter().filter(|dialect| !dialect.stream.is_empty())
}

impl Dialect {
    /// The first event of its stream, with its blank line.
    ///
    /// # Panics
    ///
    /// Where there is no stream.
    #[must_use]
    pub fn first_event(&self) -> &'static str {
        let gap = if self.stream.contains("\r\n\r\n") { "\r\n\r\n" } else { "\n\n" };
        &self.stream[..self.stream.find(gap).unwrap() + gap.len()]
    }
}
