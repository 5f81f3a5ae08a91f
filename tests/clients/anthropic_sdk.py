"""The official Anthropic SDK against a running gateway: python anthropic_sdk.py URL KEY"""
import sys

import anthropic

url, key = sys.argv[1:3]
client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)
ask = dict(model="claude-sonnet-5-5", max_tokens=64, messages=[{"role": "user", "content": "Hello"}])

message = client.messages.create(**ask)
assert message.content[0].text.startswith("Hello from Sluice"), message
assert message.usage.output_tokens > 0 and message.stop_reason == "end_turn", message

with client.messages.stream(**ask) as stream:
    text = "".join(stream.text_stream)
    final = stream.get_final_message()
assert text == message.content[0].text, text
assert final.usage.output_tokens == message.usage.output_tokens, final

tool = {"name": "weather", "description": "d", "input_schema": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
with client.messages.stream(**ask, tools=[tool]) as stream:
    called = stream.get_final_message()
use = called.content[0]
assert called.stop_reason == "tool_use" and use.name == "weather" and use.input == {"city": "simulated"}, called
turn = [*ask["messages"], {"role": "assistant", "content": [use.model_dump(exclude_none=True)]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "12C"}]}]
answer = client.messages.create(**{**ask, "messages": turn}, tools=[tool])
assert answer.stop_reason == "end_turn", answer

assert client.messages.count_tokens(model=ask["model"], messages=ask["messages"]).input_tokens > 0
models = [model.id for model in client.models.list(limit=2)]
assert "claude-sonnet-5-5" in models and len(models) == len(set(models)) > 2, models
assert client.models.retrieve("claude-sonnet-5-5").id == "claude-sonnet-5-5"

try:
    anthropic.Anthropic(base_url=url, api_key="wrong", max_retries=0).messages.create(**ask)
    raise SystemExit("a wrong key was accepted")
except anthropic.AuthenticationError as error:
    assert error.body["error"]["type"] == "authentication_error" and error.request_id, error
try:
    client.messages.create(**{**ask, "messages": "wrong"})
    raise SystemExit("a wrong body was accepted")
except anthropic.BadRequestError as error:
    assert "messages" in str(error), error
print("fine")
