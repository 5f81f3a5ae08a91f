"""The official OpenAI SDK against a running gateway: python openai_sdk.py URL KEY"""
import base64
import json
import sys

import openai

url, key = sys.argv[1:3]
client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
WORDS = "Hello from Sluice's simulated provider. Everything between you and me is the real gateway."
ARGUMENTS = {"city": "simulated", "days": 1}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
              "required": ["city", "days"]}
messages = [{"role": "user", "content": "Hello"}]
ask = dict(model="gpt-5.5", messages=messages)


def chat():
    answer = client.chat.completions.create(**ask)
    assert answer.choices[0].message.content == WORDS and answer.choices[0].finish_reason == "stop", answer
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 1, answer
    chunks = list(client.chat.completions.create(**ask, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == WORDS
    assert chunks[-1].choices[0].finish_reason == "stop", chunks[-1]
    assert all(chunk.usage is None for chunk in chunks), "usage was not asked for"
    chunks = list(client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].usage.completion_tokens == answer.usage.completion_tokens, chunks[-1]
    assert chunks[-1].choices == [], chunks[-1]


def chat_tools():
    tool = {"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}
    called = client.chat.completions.create(**ask, tools=[tool]).choices[0]
    call = called.message.tool_calls[0]
    assert called.finish_reason == "tool_calls" and call.function.name == "weather", called
    assert json.loads(call.function.arguments) == ARGUMENTS, called
    pieces, name, reason = [], "", None
    for chunk in client.chat.completions.create(**ask, tools=[tool], stream=True):
        reason = chunk.choices[0].finish_reason or reason
        for piece in chunk.choices[0].delta.tool_calls or []:
            name += piece.function.name or ""
            pieces.append(piece.function.arguments or "")
    assert (name, json.loads("".join(pieces)), reason) == ("weather", ARGUMENTS, "tool_calls"), pieces
    turn = [*messages, called.message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": "12C"}]
    answer = client.chat.completions.create(model="gpt-5.5", messages=turn, tools=[tool]).choices[0]
    assert answer.finish_reason == "stop" and answer.message.content == WORDS, answer


def responses():
    answer = client.responses.create(model="gpt-5.5", input="Hello")
    assert answer.output_text == WORDS and answer.status == "completed" and answer.usage.output_tokens > 0, answer
    events = list(client.responses.create(model="gpt-5.5", input="Hello", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == WORDS
    assert events[0].type == "response.created" and events[-1].type == "response.completed", events
    assert events[-1].response.output_text == WORDS, events[-1]
    assert events[-1].response.usage.output_tokens == answer.usage.output_tokens, events[-1]


def responses_tools():
    tool = {"type": "function", "name": "weather", "parameters": PARAMETERS}
    call = client.responses.create(model="gpt-5.5", input="Hello", tools=[tool]).output[0]
    assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "weather", ARGUMENTS), call
    events = list(client.responses.create(model="gpt-5.5", input="Hello", tools=[tool], stream=True))
    told = "".join(event.delta for event in events if event.type == "response.function_call_arguments.delta")
    done = [event.arguments for event in events if event.type == "response.function_call_arguments.done"]
    last = events[-1].response.output[0]
    assert json.loads(told) == ARGUMENTS and done == [told] and last.arguments == told, events
    turn = [{"role": "user", "content": "Hello"}, call.model_dump(exclude_none=True),
            {"type": "function_call_output", "call_id": call.call_id, "output": "12C"}]
    assert client.responses.create(model="gpt-5.5", input=turn, tools=[tool]).output_text == WORDS


def the_rest():
    embedding = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    assert [one.index for one in embedding.data] == [0, 1] and embedding.data[1].embedding[0] == 0.25, embedding
    image = client.images.generate(model="gpt-image-1", prompt="p").data[0]
    assert base64.b64decode(image.b64_json, validate=True).startswith(b"\x89PNG"), image
    assert {"gpt-5.5", "text-embedding-3-small", "gpt-image-1"} <= {model.id for model in client.models.list()}
    assert client.models.retrieve("gpt-5.5").id == "gpt-5.5"
    counted = client.responses.input_tokens.count(model="gpt-5.5", input="Hello")
    assert counted.input_tokens > 0, counted
    elsewhere = openai.OpenAI(base_url=f"{url}/openai/v1", api_key=key, max_retries=0)
    assert elsewhere.chat.completions.create(**ask).choices[0].message.content == WORDS


def azure():
    azure = openai.AzureOpenAI(azure_endpoint=f"{url}/azure", api_key=key, api_version="2024-10-21", max_retries=0)
    assert azure.chat.completions.create(**ask).choices[0].message.content == WORDS
    chunks = list(azure.chat.completions.create(**ask, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == WORDS
    assert azure.embeddings.create(model="text-embedding-3-small", input="a").data[0].embedding[0] == 0.25
    assert azure.images.generate(model="gpt-image-1", prompt="p").data[0].b64_json
    assert azure.responses.create(model="gpt-5.5", input="Hello").output_text == WORDS
    assert "gpt-5.5" in [model.id for model in azure.models.list()]


def refusals():
    try:
        stranger = openai.OpenAI(base_url=f"{url}/v1", api_key="wrong", max_retries=0)
        stranger.chat.completions.create(**ask)
        raise SystemExit("a wrong key was accepted")
    except openai.AuthenticationError as error:
        assert error.code == "invalid_api_key" and error.request_id, error
    try:
        client.chat.completions.create(model="", messages=messages)
        raise SystemExit("an empty model was accepted")
    except openai.BadRequestError as error:
        assert error.param == "model", error
    try:
        client.models.retrieve("nonesuch")
        raise SystemExit("an unknown model was found")
    except openai.NotFoundError as error:
        assert error.code == "model_not_found", error


for part in (chat, chat_tools, responses, responses_tools, the_rest, azure, refusals):
    part()
print("fine")
