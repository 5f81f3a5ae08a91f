"""Requests as the APIs' own SDKs have them: python valid_requests.py < LINES, each {"api", "body"} as JSON."""
import collections.abc
import json
import sys
import typing

from anthropic.types import message_create_params as claude
from google.genai import types as gemini
from openai.types.chat import completion_create_params as chat
from openai.types.responses import response_create_params as responses
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from typing_extensions import get_type_hints, is_typeddict

STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
seen = set()


def is_answered(hint):
    """Whether it is of the SDK's answers, which may be given in place of what is sent, and allow anything."""
    parts = typing.get_args(hint) if typing.get_origin(hint) is typing.Union else []
    if typing.get_origin(hint) is typing.Annotated:
        parts = [typing.get_args(hint)[0]]
    return all(map(is_answered, parts)) if parts else isinstance(hint, type) and issubclass(hint, BaseModel)


def whole(hint):
    """A type hint in which every list is looked into: an iterable is only looked at where it is read."""
    if is_typeddict(hint):
        strict(hint)
        return hint
    arguments = typing.get_args(hint)
    if not arguments or typing.get_origin(hint) is typing.Literal:
        return hint
    origin = typing.get_origin(hint)
    if origin is collections.abc.Iterable:
        return list[whole(arguments[0])]
    if origin is typing.Annotated:
        return typing.Annotated[(whole(arguments[0]), *hint.__metadata__)]
    if origin is typing.Union:
        return typing.Union[tuple(whole(argument) for argument in arguments if not is_answered(argument))]
    return hint.copy_with(tuple(whole(argument) for argument in arguments)) if hasattr(hint, "copy_with") else hint


def strict(kind):
    """Lets a type, and each that stands in it, have no field that it doesn't know."""
    if kind not in seen:
        seen.add(kind)
        kind.__pydantic_config__ = STRICT
        kind.__annotations__ = {name: whole(hint) for name, hint in get_type_hints(kind, include_extras=True).items()}


def adapter(kind):
    strict(kind)
    return TypeAdapter(kind)


CLAUDE = {True: adapter(claude.MessageCreateParamsStreaming), False: adapter(claude.MessageCreateParamsNonStreaming)}
CHAT = {True: adapter(chat.CompletionCreateParamsStreaming), False: adapter(chat.CompletionCreateParamsNonStreaming)}
RESPONSES = {True: adapter(responses.ResponseCreateParamsStreaming), False: adapter(responses.ResponseCreateParamsNonStreaming)}
KINDS = {"anthropic": CLAUDE, "openai-chat": CHAT, "openai-responses": RESPONSES}
OF_CONFIG = {"safetySettings", "tools", "toolConfig", "systemInstruction", "cachedContent", "labels", "serviceTier"}


def google(body):
    generation = body.pop("generationConfig", {})
    for content in body.pop("contents"):
        gemini.Content.model_validate(content)
    config = {name: body.pop(name) for name in list(body) if name in OF_CONFIG}
    assert not body, f"fields that no request has: {list(body)}"
    gemini.GenerateContentConfig.model_validate({**generation, **config})


def check(api, body):
    if api == "gemini":
        google(dict(body))
    else:
        KINDS[api][body.get("stream") is True].validate_python(body)


# What passes everything tells nothing.
USER = {"role": "user", "content": [{"type": "text", "text": "Go.", "none": 1}]}
MISTAKES = [
    ("anthropic", {"model": "m", "max_tokens": 9, "messages": [USER]}),
    ("anthropic", {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "x"}}]}]}),
    ("openai-chat", {"model": "m", "messages": [USER]}),
    ("openai-chat", {"model": "m", "messages": [], "tools": [{"type": "function", "function": {"name": "f", "none": 1}}]}),
    ("openai-responses", {"model": "m", "input": [{"type": "function_call_output", "call_id": 1, "output": ""}]}),
    ("openai-responses", {"model": "m", "input": [{"role": "user", "content": [{"type": "input_text", "text": 1}]}]}),
    ("openai-responses", {"model": "m", "input": [], "tools": [{"type": "function", "name": "f", "none": {}}]}),
    ("gemini", {"contents": [{"role": "user", "parts": [{"text": "Go.", "none": 1}]}]}),
    ("gemini", {"contents": [], "tools": [{"functionDeclarations": [{"name": "f", "none": 1}]}]}),
]
for api, body in MISTAKES:
    try:
        check(api, body)
    except (ValidationError, AssertionError):
        continue
    sys.exit(f"passes as a request of {api}: {json.dumps(body)}")

wrong = []
for line in sys.stdin:
    told = json.loads(line)
    try:
        check(told["api"], told["body"])
    except (ValidationError, AssertionError) as error:
        wrong.append(f"{told['api']}: {error}\n{json.dumps(told['body'])}")
assert not wrong, "\n\n".join(wrong[:5])
