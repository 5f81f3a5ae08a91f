"""Prints, for each client API, the names of all fields that the official SDK's request types have."""

import inspect
import json
import types
import typing

import anthropic.types.beta.message_create_params as claude_beta
import anthropic.types.message_create_params as claude
import openai.types.chat.completion_create_params as chat
import openai.types.responses.response_create_params as responses
from google.genai import types as gemini
from pydantic import BaseModel
from typing_extensions import get_type_hints, is_typeddict

# Settings of the SDK itself, and files that are handed to it: it sends neither.
NOT_SENT = {gemini.HttpOptions, gemini.AutomaticFunctionCallingConfig, gemini.File}
NOT_SENT_FIELDS = {"httpOptions", "automaticFunctionCalling", "shouldReturnHttpResponse", "automaticContinuation"}


def parts(hint):
    """The types that a type hint is made of."""
    arguments = typing.get_args(hint)
    if not arguments:
        return [hint]
    if typing.get_origin(hint) is typing.Literal:
        return []
    return [part for argument in arguments for part in parts(argument)]


def fields(kind):
    """The fields of a type by their names on the wire."""
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield field.alias or name, field.annotation
    elif is_typeddict(kind):
        yield from get_type_hints(kind).items()


def names(*roots):
    found, seen, left = set(), set(), list(roots)
    while left:
        kind = left.pop()
        if kind in NOT_SENT or isinstance(kind, (str, types.NoneType)) or kind in seen:
            continue
        seen.add(kind)
        for name, hint in fields(kind):
            if name not in NOT_SENT_FIELDS:
                found.add(name)
            left.extend(part for part in parts(hint) if not isinstance(part, str))
    return sorted(found)


print(json.dumps({
    "anthropic": names(claude.MessageCreateParamsNonStreaming, claude_beta.MessageCreateParamsNonStreaming),
    "openai-chat": names(chat.CompletionCreateParamsNonStreaming),
    "openai-responses": names(responses.ResponseCreateParamsNonStreaming),
    "gemini": names(gemini.GenerateContentConfig, gemini.Content, gemini.Tool),
}))
