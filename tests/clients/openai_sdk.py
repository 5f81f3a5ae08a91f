"""The official OpenAI SDK against a running gateway: python openai_sdk.py URL KEY"""
import json
import sys

import openai

url, key = sys.argv[1:3]
client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
messages = [{"role": "user", "content": "Hello"}]

chat = client.chat.completions.create(model="gpt-5.5", messages=messages)
words = chat.choices[0].message.content
assert words.startswith("Hello from Sluice") and chat.usage.completion_tokens > 0, chat

chunks = list(client.chat.completions.create(model="gpt-5.5", messages=messages, stream=True))
assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == words
assert all(chunk.usage is None for chunk in chunks), "usage was not asked for"
chunks = list(client.chat.completions.create(model="gpt-5.5", messages=messages, stream=True,
                                             stream_options={"include_usage": True}))
assert chunks[-1].usage.completion_tokens == chat.usage.completion_tokens and chunks[-1].choices == []

parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
tool = {"type": "function", "function": {"name": "weather", "parameters": parameters}}
called = client.chat.completions.create(model="gpt-5.5", messages=messages, tools=[tool]).choices[0]
call = called.message.tool_calls[0]
assert called.finish_reason == "tool_calls" and json.loads(call.function.arguments) == {"city": "simulated"}, called
arguments = ""
for chunk in client.chat.completions.create(model="gpt-5.5", messages=messages, tools=[tool], stream=True):
    for piece in chunk.choices[0].delta.tool_calls or []:
        arguments += piece.function.arguments or ""
assert json.loads(arguments) == {"city": "simulated"}, arguments
turn = [*messages, called.message.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": call.id, "content": "12C"}]
assert client.chat.completions.create(model="gpt-5.5", messages=turn, tools=[tool]).choices[0].finish_reason == "stop"

response = client.responses.create(model="gpt-5.5", input="Hello")
assert response.output_text == words and response.usage.output_tokens > 0, response
events = list(client.responses.create(model="gpt-5.5", input="Hello", stream=True))
assert [event.sequence_number for event in events] == list(range(len(events)))
assert events[-1].type == "response.completed" and events[-1].response.output_text == words
function = {"type": "function", "name": "weather", "parameters": parameters}
called = client.responses.create(model="gpt-5.5", input="Hello", tools=[function]).output[0]
assert called.type == "function_call" and json.loads(called.arguments) == {"city": "simulated"}, called

embedding = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
assert len(embedding.data) == 2 and embedding.data[0].embedding[0] == 0.25, embedding
assert client.images.generate(model="gpt-image-1", prompt="p").data[0].b64_json
assert "gpt-5.5" in [model.id for model in client.models.list()]
assert client.models.retrieve("gpt-5.5").id == "gpt-5.5"

azure = openai.AzureOpenAI(azure_endpoint=f"{url}/azure", api_key=key, api_version="2024-10-21", max_retries=0)
assert azure.chat.completions.create(model="gpt-5.5", messages=messages).choices[0].message.content == words
assert azure.embeddings.create(model="text-embedding-3-small", input="a").data
assert azure.responses.create(model="gpt-5.5", input="Hello").output_text == words

try:
    openai.OpenAI(base_url=f"{url}/v1", api_key="wrong", max_retries=0).chat.completions.create(model="m", messages=messages)
    raise SystemExit("a wrong key was accepted")
except openai.AuthenticationError as error:
    assert error.code == "invalid_api_key" and error.request_id, error
try:
    client.chat.completions.create(model="", messages=messages)
    raise SystemExit("an empty model was accepted")
except openai.BadRequestError as error:
    assert error.param == "model", error
print("fine")
