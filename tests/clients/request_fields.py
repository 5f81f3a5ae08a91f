"""Prints, for each client API, the names of all fields that the official SDK's request types have, and the ways to them."""

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
# `betas` is a header.
NOT_SENT_FIELDS = {"httpOptions", "automaticFunctionCalling", "shouldReturnHttpResponse", "automaticContinuation", "betas"}


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


def kind_of(kind):
    """What a type says of itself: the value of its `type`, where that is one."""
    hint = dict(fields(kind)).get("type")
    literals = [value for part in flat(hint) for value in typing.get_args(part)] if hint else []
    return [value for value in literals if isinstance(value, str)]


def flat(hint):
    if typing.get_origin(hint) is typing.Literal:
        return [hint]
    return [part for argument in typing.get_args(hint) for part in flat(argument)]


def names(*roots):
    """Each field's name, with the ways to it: fields and kinds of what it stands in. A schema is the client's own."""
    found, seen, left = {}, set(), [(root, []) for root in roots]
    while left:
        kind, way = left.pop(0)
        if kind in NOT_SENT or isinstance(kind, (str, types.NoneType)) or kind in seen:
            continue
        seen.add(kind)
        way = way + kind_of(kind)
        for name, hint in fields(kind):
            if name in NOT_SENT_FIELDS:
                continue
            found.setdefault(name, []).append(way)
            if name == "input_schema":
                continue
            left.extend((part, way + [name]) for part in parts(hint) if not isinstance(part, str))
    return found


print(json.dumps({
    "anthropic": names(claude.MessageCreateParamsNonStreaming, claude_beta.MessageCreateParamsNonStreaming),
    "openai-chat": names(chat.CompletionCreateParamsNonStreaming),
    "openai-responses": names(responses.ResponseCreateParamsNonStreaming),
    "gemini": names(gemini.GenerateContentConfig, gemini.Content, gemini.Tool),
}))
