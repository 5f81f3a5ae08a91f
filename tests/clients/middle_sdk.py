"""Anthropic's SDK on an account behind another gateway: python middle_sdk.py URL KEY MODEL...

It has a conversation with a tool in three rounds, of which the second calls it twice at once, whole and streamed.
"""
import sys

import anthropic

url, key, *models = sys.argv[1:]
client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)
SCHEMA = {
    "type": "object",
    "properties": {"place": {"type": "string"}, "round": {"type": "integer"}, "amount": {"type": "number"}},
    "required": ["place", "round"],
}
TOOL = {"name": "look_up", "description": "Looks a place up.", "input_schema": SCHEMA}


def converse(model, stream):
    turns = [{"role": "user", "content": "Go."}]
    for number, calls in enumerate([[0], [1, 2], [3], []]):
        ask = dict(model=model, max_tokens=4000, system="Be brief.", tools=[TOOL], messages=turns)
        if stream:
            with client.messages.stream(**ask) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**ask)
        said = "".join(block.text for block in message.content if block.type == "text")
        assert said == (f"Looking {number}." if calls else "Done: \u00fcn\u00efcode."), message
        assert message.stop_reason == ("tool_use" if calls else "end_turn"), message
        uses = [block for block in message.content if block.type == "tool_use"]
        inputs = [{"place": "Z\u00fcrich", "round": call, "amount": 100.5} for call in calls]
        assert [(use.name, use.input) for use in uses] == [("look_up", told) for told in inputs], message
        turns.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in message.content]})
        results = [{"type": "tool_result", "tool_use_id": use.id, "content": "found"} for use in uses]
        turns.append({"role": "user", "content": results})


for model in models:
    for stream in (False, True):
        converse(model, stream)
