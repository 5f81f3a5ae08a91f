"""The official Anthropic SDK against a running gateway: python anthropic_sdk.py URL KEY"""
import sys

import anthropic

url, key = sys.argv[1:3]
client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)
WORDS = "Hello from Sluice's simulated provider. Everything between you and me is the real gateway."
ask = dict(model="claude-sonnet-5-5", max_tokens=64, messages=[{"role": "user", "content": "Hello"}])

message = client.messages.create(**ask)
assert [block.text for block in message.content] == [WORDS], message
assert message.usage.output_tokens > 0 and message.stop_reason == "end_turn", message
assert message.model == ask["model"] and message._request_id, message

events = []
with client.messages.stream(**ask) as stream:
    events = [event.type for event in stream if event.type in ("message_start", "message_stop")]
    final = stream.get_final_message()
assert events == ["message_start", "message_stop"], events
assert final.content[0].text == WORDS and final.stop_reason == "end_turn", final
assert final.usage.output_tokens == message.usage.output_tokens, final
pieces = [event.delta.text for event in client.messages.create(**ask, stream=True) if event.type == "content_block_delta"]
assert len(pieces) > 1 and "".join(pieces) == WORDS, pieces

ARGUMENTS = {"city": "simulated", "days": 1, "detailed": True}
tool = {"name": "weather", "description": "d", "input_schema": {"type": "object", "properties": {
    "city": {"type": "string"}, "days": {"type": "integer"}, "detailed": {"type": "boolean"}, "unit": {"type": "string"}},
    "required": ["city", "days", "detailed"]}}
whole = client.messages.create(**ask, tools=[tool])
with client.messages.stream(**ask, tools=[tool]) as stream:
    fragments = [event.partial_json for event in stream if event.type == "input_json"]
    streamed = stream.get_final_message()
assert len(fragments) > 1, fragments
for called in (whole, streamed):
    use = called.content[0]
    assert called.stop_reason == "tool_use" and (use.name, use.input) == ("weather", ARGUMENTS), called
    turn = [*ask["messages"], {"role": "assistant", "content": [use.model_dump(exclude_none=True)]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "12C"}]}]
    answer = client.messages.create(**{**ask, "messages": turn}, tools=[tool])
    assert answer.stop_reason == "end_turn" and answer.content[0].text == WORDS, answer

few = client.messages.count_tokens(model=ask["model"], messages=ask["messages"]).input_tokens
many = client.messages.count_tokens(model=ask["model"], messages=[{"role": "user", "content": "Hello " * 100}]).input_tokens
assert 0 < few < many, (few, many)
models = [model.id for model in client.models.list(limit=2)]
assert {"claude-sonnet-5-5", "claude-opus-5-5"} <= set(models) and len(models) == len(set(models)) > 2, models
assert client.models.retrieve("claude-sonnet-5-5").id == "claude-sonnet-5-5"

bearer = anthropic.Anthropic(base_url=f"{url}/claude", auth_token=key, api_key=None, max_retries=0)
assert bearer.messages.create(**ask).content[0].text == WORDS
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
try:
    client.models.retrieve("nonesuch")
    raise SystemExit("an unknown model was found")
except anthropic.NotFoundError as error:
    assert error.body["error"]["type"] == "not_found_error", error
print("fine")
