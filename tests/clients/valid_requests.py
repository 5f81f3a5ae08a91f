"""Requests as the APIs' own SDKs have them: python valid_requests.py < LINES, each {"api", "body"} as JSON."""
import json
import sys

from anthropic.types import message_create_params as claude
from google.genai import types as gemini
from openai.types.chat import completion_create_params as chat
from openai.types.responses import response_create_params as responses
from pydantic import ConfigDict, TypeAdapter, ValidationError

STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


def adapter(kind):
    kind.__pydantic_config__ = STRICT
    return TypeAdapter(kind)


CLAUDE = {True: adapter(claude.MessageCreateParamsStreaming), False: adapter(claude.MessageCreateParamsNonStreaming)}
CHAT = {True: adapter(chat.CompletionCreateParamsStreaming), False: adapter(chat.CompletionCreateParamsNonStreaming)}
RESPONSES = {True: adapter(responses.ResponseCreateParamsStreaming), False: adapter(responses.ResponseCreateParamsNonStreaming)}
OF_CONFIG = {"safetySettings", "tools", "toolConfig", "systemInstruction", "cachedContent", "labels", "serviceTier"}


def google(body):
    generation = body.pop("generationConfig", {})
    for content in body.pop("contents"):
        gemini.Content.model_validate(content)
    config = {name: body.pop(name) for name in list(body) if name in OF_CONFIG}
    assert not body, f"fields that no request has: {list(body)}"
    gemini.GenerateContentConfig.model_validate({**generation, **config})


wrong = []
for line in sys.stdin:
    told = json.loads(line)
    api, body = told["api"], told["body"]
    try:
        if api == "gemini":
            google(dict(body))
        else:
            kinds = {"anthropic": CLAUDE, "openai-chat": CHAT, "openai-responses": RESPONSES}[api]
            kinds[body.get("stream") is True].validate_python(body)
    except (ValidationError, AssertionError) as error:
        wrong.append(f"{api}: {error}\n{json.dumps(body)}")
assert not wrong, "\n\n".join(wrong[:5])
