"""The official SDKs against accounts of every other API: python translated_sdk.py URL KEY

Each has a conversation about a picture with a tool, in three rounds, of which the second calls it twice at once, whole and
streamed; its own accumulators must give what the upstream said, and the next request must carry all of it back. Then it asks
for an object of a type of its own.
"""
import base64
import json
import sys

import anthropic
import openai
from google import genai
from google.genai import types
from pydantic import BaseModel

url, key = sys.argv[1:3]
CALLS, USED, THOUGHT = [[0], [1, 2], [3], []], (10, 5, 20), 7
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
SPEAKS = ["anthropic", "openai-chat", "openai-responses", "gemini"]
SCHEMA = {
    "type": "object",
    "properties": {"place": {"type": "string"}, "round": {"type": "integer"}, "amount": {"type": "number"}},
    "required": ["place", "round"],
    "additionalProperties": False,
}


class Place(BaseModel):
    place: str
    amount: float


PLACE = Place(place="Z\u00fcrich", amount=100.5)


def words(round):
    return f"Looking {round}." if CALLS[round] else "Done: \u00fcn\u00efcode."


def arguments(call):
    return {"place": "Z\u00fcrich", "round": call, "amount": 100.5}


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
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}
    turns = [{"role": "user", "content": [picture, {"type": "text", "text": "Go."}]}]
    for round, numbers in enumerate(CALLS):
        ask = dict(model=f"to-{model}", max_tokens=4000, system="Be brief.", tools=[tool], messages=turns,
                   thinking={"type": "enabled", "budget_tokens": 2000})
        if stream:
            with client.messages.stream(**ask) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**ask)
        kinds = [block.type for block in message.content]
        calls = ["tool_use"] * len(numbers)
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
        uses = message.content[-len(calls):]
        assert [(use.name, use.input) for use in uses] == [("look_up", arguments(number)) for number in numbers], uses
        turns.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in message.content]})
        results = [{"type": "tool_result", "tool_use_id": use.id, "content": f"found {use.input['round']}"} for use in uses]
        turns.append({"role": "user", "content": results})
    ask = dict(model=f"to-{model}", max_tokens=4000, messages=[{"role": "user", "content": "As JSON."}], output_format=Place)
    if stream:
        with client.messages.stream(**ask) as events:
            message = events.get_final_message()
    else:
        message = client.messages.parse(**ask)
    assert message.parsed_output == PLACE, message


def chat(model, stream):
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
    tool = {"type": "function", "function": {"name": "look_up", "description": "Looks a place up.", "parameters": SCHEMA}}
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
    turns = [{"role": "system", "content": "Be brief."},
             {"role": "user", "content": [{"type": "text", "text": "Go."}, picture]}]
    for round, calls in enumerate(CALLS):
        ask = dict(model=f"to-{model}", tools=[tool], messages=turns, max_completion_tokens=4000, reasoning_effort="low")
        if stream:
            with client.chat.completions.stream(**ask, stream_options={"include_usage": True}) as events:
                completion = events.get_final_completion()
        else:
            completion = client.chat.completions.create(**ask)
        choice = completion.choices[0]
        assert choice.message.content == words(round), completion
        assert choice.finish_reason == ("tool_calls" if calls else "stop"), completion
        usage = completion.usage
        told = (usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens, usage.completion_tokens)
        assert told == (USED[0] + USED[1], USED[1], USED[2]), usage
        assert usage.completion_tokens_details.reasoning_tokens == THOUGHT, usage
        assert completion.model == f"to-{model}", completion
        if not calls:
            break
        made = choice.message.tool_calls
        told = [(call.function.name, json.loads(call.function.arguments)) for call in made]
        assert told == [("look_up", arguments(call)) for call in calls], completion
        assert all("100.50" in call.function.arguments for call in made), completion
        asked = [{"id": call.id, "type": "function",
                  "function": {"name": call.function.name, "arguments": call.function.arguments}} for call in made]
        turns.append({"role": "assistant", "content": choice.message.content, "tool_calls": asked})
        turns += [{"role": "tool", "tool_call_id": call.id, "content": f"found {number}"} for call, number in zip(made, calls)]
    ask = dict(model=f"to-{model}", messages=[{"role": "user", "content": "As JSON."}], response_format=Place)
    if stream:
        with client.chat.completions.stream(**ask) as events:
            completion = events.get_final_completion()
    else:
        completion = client.chat.completions.parse(**ask)
    assert completion.choices[0].message.parsed == PLACE, completion


def responses(model, stream):
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
    tool = {"type": "function", "name": "look_up", "description": "Looks a place up.", "parameters": SCHEMA, "strict": False}
    picture = {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{PICTURE}"}
    items = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Go."}, picture]}]
    for round, numbers in enumerate(CALLS):
        ask = dict(model=f"to-{model}", instructions="Be brief.", tools=[tool], input=items, store=False,
                   max_output_tokens=4000, reasoning={"effort": "low", "summary": "auto"},
                   include=["reasoning.encrypted_content"])
        if stream:
            with client.responses.stream(**ask) as events:
                response = events.get_final_response()
        else:
            response = client.responses.create(**ask)
        calls = ["function_call"] * len(numbers)
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
        made = response.output[-len(calls):]
        told = [(call.name, json.loads(call.arguments)) for call in made]
        assert told == [("look_up", arguments(number)) for number in numbers], made
        assert all("100.50" in call.arguments for call in made), made
        items += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in response.output]
        items += [{"type": "function_call_output", "call_id": call.call_id, "output": f"found {number}"}
                  for call, number in zip(made, numbers)]
    ask = dict(model=f"to-{model}", input="As JSON.", store=False, text_format=Place)
    if stream:
        with client.responses.stream(**ask) as events:
            response = events.get_final_response()
    else:
        response = client.responses.parse(**ask)
    assert response.output_parsed == PLACE, response


def gemini(model, stream):
    client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url))
    tool = types.Tool(function_declarations=[types.FunctionDeclaration(
        name="look_up", description="Looks a place up.", parameters_json_schema=SCHEMA)])
    config = types.GenerateContentConfig(
        system_instruction="Be brief.", tools=[tool], max_output_tokens=4000,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=2000))
    first = [types.Part(text="Go."), types.Part.from_bytes(data=base64.b64decode(PICTURE), mime_type="image/png")]

    turns = []
    def asked(parts):
        turns.append(types.Content(role="user", parts=parts))
        ask = dict(model=f"to-{model}", contents=turns, config=config)
        answers = list(client.models.generate_content_stream(**ask)) if stream else [client.models.generate_content(**ask)]
        said = [part for answer in answers for part in answer.candidates[0].content.parts]
        turns.append(types.Content(role="model", parts=[part for part in said if part.text or part.function_call]))
        return answers

    google_conversation(model, first, asked)
    # A chat remembers what it has been told, and forgets a turn in which a chunk has no part.
    chat = client.chats.create(model=f"to-{model}", config=config)
    google_conversation(model, first, lambda parts: list(chat.send_message_stream(parts)) if stream else [chat.send_message(parts)])
    remembered = [content for content in chat.get_history(curated=True) if content.role == "user"]
    assert len(remembered) == len(CALLS), remembered

    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Place)
    ask = dict(model=f"to-{model}", contents="As JSON.", config=config)
    if stream:
        said = "".join(answer.text for answer in client.models.generate_content_stream(**ask))
        assert Place.model_validate_json(said) == PLACE, said
    else:
        answer = client.models.generate_content(**ask)
        assert answer.parsed == PLACE, answer


def google_conversation(model, parts, asked):
    for round, calls in enumerate(CALLS):
        answers = asked(parts)
        last = answers[-1]
        assert all(answer.candidates and answer.candidates[0].content.parts for answer in answers), answers
        said = [part for answer in answers for part in answer.candidates[0].content.parts]
        text = "".join(part.text for part in said if part.text and not part.thought)
        assert text == words(round), said
        thought = "".join(part.text for part in said if part.text and part.thought)
        assert thought == ("Hm." if thinks(model) else ""), said
        usage = last.usage_metadata
        told = (usage.prompt_token_count, usage.cached_content_token_count, usage.candidates_token_count, usage.thoughts_token_count)
        assert told == (USED[0] + USED[1], USED[1], USED[2] - THOUGHT, THOUGHT), usage
        assert last.candidates[0].finish_reason == types.FinishReason.STOP, last
        made = [part.function_call for part in said if part.function_call]
        assert [(call.name, call.args) for call in made] == [("look_up", arguments(call)) for call in calls], made
        results = [types.FunctionResponse(id=call.id, name="look_up", response={"output": f"found {number}"})
                   for call, number in zip(made, calls)]
        parts = [types.Part(function_response=result) for result in results]


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
