"""The official SDKs against accounts of every other API: python translated_sdk.py URL KEY

Each has a conversation with a tool, three rounds of it, whole and streamed; its own accumulators must give what the upstream
said, and the next request must carry all of it back.
"""
import json
import sys

import anthropic
import openai
from google import genai
from google.genai import types

url, key = sys.argv[1:3]
ROUNDS, USED, THOUGHT = 3, (10, 5, 20), 7
SPEAKS = ["anthropic", "openai-chat", "openai-responses", "gemini"]
SCHEMA = {
    "type": "object",
    "properties": {"place": {"type": "string"}, "round": {"type": "integer"}, "amount": {"type": "number"}},
    "required": ["place", "round"],
    "additionalProperties": False,
}


def words(round):
    return f"Looking {round}." if round < ROUNDS else "Done: \u00fcn\u00efcode."


def arguments(round):
    return {"place": "Z\u00fcrich", "round": round, "amount": 100.5}


def thinks(model):
    # What Chat Completions tell of thoughts is each vendor's own.
    return model != "openai-chat"


def remembered(model, calls):
    """What stands before a call: Gemini's models sign each, and other APIs have a place for that in a thought alone."""
    return ["thought"] if model == "gemini" and calls else []


def named(kinds, thought):
    return [thought if kind == "thought" else kind for kind in kinds]


def claude(model, stream):
    client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)
    tool = {"name": "look_up", "description": "Looks a place up.", "input_schema": SCHEMA}
    turns = [{"role": "user", "content": [{"type": "text", "text": "Go."}]}]
    for round in range(ROUNDS + 1):
        ask = dict(model=f"to-{model}", max_tokens=4000, system="Be brief.", tools=[tool], messages=turns,
                   thinking={"type": "enabled", "budget_tokens": 2000})
        if stream:
            with client.messages.stream(**ask) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**ask)
        kinds = [block.type for block in message.content]
        calls = ["tool_use"] if round < ROUNDS else []
        expected = ["thought"] * thinks(model) + ["text"] + remembered(model, calls) + calls
        assert kinds == named(expected, "thinking"), message
        said = next(block.text for block in message.content if block.type == "text")
        assert said == words(round), message
        assert message.stop_reason == ("tool_use" if calls else "end_turn"), message
        usage = message.usage
        assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == USED, usage
        assert message.model == f"to-{model}" and message.id.startswith("msg_"), message
        if not calls:
            break
        use = message.content[-1]
        assert (use.name, use.input) == ("look_up", arguments(round)), use
        turns.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in message.content]})
        result = {"type": "tool_result", "tool_use_id": use.id, "content": f"found {round}"}
        turns.append({"role": "user", "content": [result]})


def chat(model, stream):
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
    tool = {"type": "function", "function": {"name": "look_up", "description": "Looks a place up.", "parameters": SCHEMA}}
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Go."}]
    for round in range(ROUNDS + 1):
        ask = dict(model=f"to-{model}", tools=[tool], messages=turns, max_completion_tokens=4000)
        if stream:
            with client.chat.completions.stream(**ask, stream_options={"include_usage": True}) as events:
                completion = events.get_final_completion()
        else:
            completion = client.chat.completions.create(**ask)
        choice = completion.choices[0]
        calls = round < ROUNDS
        assert choice.message.content == words(round), completion
        assert choice.finish_reason == ("tool_calls" if calls else "stop"), completion
        usage = completion.usage
        told = (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens, usage.completion_tokens)
        assert told == (USED[0] + USED[1], USED[1], USED[2]), usage
        assert usage.completion_tokens_details.reasoning_tokens == THOUGHT, usage
        assert completion.model == f"to-{model}", completion
        if not calls:
            break
        call = choice.message.tool_calls[0]
        assert len(choice.message.tool_calls) == 1 and call.function.name == "look_up", completion
        assert json.loads(call.function.arguments) == arguments(round) and "100.50" in call.function.arguments, call
        asked = {"id": call.id, "type": "function",
                 "function": {"name": call.function.name, "arguments": call.function.arguments}}
        turns.append({"role": "assistant", "content": choice.message.content, "tool_calls": [asked]})
        turns.append({"role": "tool", "tool_call_id": call.id, "content": f"found {round}"})


def responses(model, stream):
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
    tool = {"type": "function", "name": "look_up", "description": "Looks a place up.", "parameters": SCHEMA, "strict": False}
    items = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Go."}]}]
    for round in range(ROUNDS + 1):
        ask = dict(model=f"to-{model}", instructions="Be brief.", tools=[tool], input=items, store=False,
                   max_output_tokens=4000, reasoning={"effort": "low", "summary": "auto"},
                   include=["reasoning.encrypted_content"])
        if stream:
            with client.responses.stream(**ask) as events:
                response = events.get_final_response()
        else:
            response = client.responses.create(**ask)
        calls = ["function_call"] if round < ROUNDS else []
        kinds = [item.type for item in response.output]
        expected = ["thought"] * thinks(model) + ["message"] + remembered(model, calls) + calls
        assert kinds == named(expected, "reasoning"), response
        assert response.output_text == words(round) and response.status == "completed", response
        usage = response.usage
        told = (usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens)
        assert told == (USED[0] + USED[1], USED[1], USED[2]), usage
        assert usage.output_tokens_details.reasoning_tokens == THOUGHT, usage
        assert response.model == f"to-{model}" and response.id.startswith("resp_"), response
        if not calls:
            break
        call = response.output[-1]
        assert call.name == "look_up" and json.loads(call.arguments) == arguments(round), call
        assert "100.50" in call.arguments, call
        items += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in response.output]
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": f"found {round}"})


def gemini(model, stream):
    client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url))
    tool = types.Tool(function_declarations=[types.FunctionDeclaration(
        name="look_up", description="Looks a place up.", parameters_json_schema=SCHEMA)])
    config = types.GenerateContentConfig(
        system_instruction="Be brief.", tools=[tool], max_output_tokens=4000,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=2000))
    turns = [types.Content(role="user", parts=[types.Part(text="Go.")])]
    for round in range(ROUNDS + 1):
        ask = dict(model=f"to-{model}", contents=turns, config=config)
        calls = round < ROUNDS
        if stream:
            chunks = list(client.models.generate_content_stream(**ask))
            # What the SDK's chats need: each chunk is a candidate's, and has parts.
            assert all(chunk.candidates and chunk.candidates[0].content.parts for chunk in chunks), chunks
            parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
            last = chunks[-1]
        else:
            last = client.models.generate_content(**ask)
            parts = last.candidates[0].content.parts
        said = "".join(part.text for part in parts if part.text and not part.thought)
        assert said == words(round), parts
        thought = "".join(part.text for part in parts if part.text and part.thought)
        assert thought == ("Hm." if thinks(model) else ""), parts
        usage = last.usage_metadata
        told = (usage.prompt_token_count, usage.cached_content_token_count, usage.candidates_token_count, usage.thoughts_token_count)
        assert told == (USED[0] + USED[1], USED[1], USED[2] - THOUGHT, THOUGHT), usage
        assert last.candidates[0].finish_reason == types.FinishReason.STOP, last
        called = [part.function_call for part in parts if part.function_call]
        assert len(called) == calls, parts
        if not calls:
            break
        assert (called[0].name, called[0].args) == ("look_up", arguments(round)), called
        turns.append(types.Content(role="model", parts=[part for part in parts if part.text or part.function_call]))
        found = types.FunctionResponse(id=called[0].id, name="look_up", response={"output": f"found {round}"})
        turns.append(types.Content(role="user", parts=[types.Part(function_response=found)]))


CLIENTS = {"anthropic": claude, "openai-chat": chat, "openai-responses": responses, "gemini": gemini}
failed = []
for api, client in CLIENTS.items():
    for model in SPEAKS:
        for stream in (False, True):
            try:
                if model != api:
                    client(model, stream)
            except Exception as error:
                failed.append(f"{api} on {model}, {'streamed' if stream else 'whole'}: {type(error).__name__} {error}")
assert not failed, "\n\n".join(failed)
