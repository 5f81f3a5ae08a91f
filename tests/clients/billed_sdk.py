"""Every official SDK, whole and streamed, with a tool: python billed_sdk.py URL KEY. What they are told of usage is printed."""
import json
import sys

import anthropic
import openai
from google import genai
from google.genai import types

url, key = sys.argv[1:3]
ARGUMENTS = {"city": "Oslo"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
told = []

claude = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)
ask = dict(model="m", max_tokens=64, messages=[{"role": "user", "content": "Weather?"}],
           tools=[{"name": "weather", "input_schema": SCHEMA}])
with claude.messages.stream(**ask) as stream:
    streamed = stream.get_final_message()
for message in (claude.messages.create(**ask), streamed):
    assert message.content[0].input == ARGUMENTS, message
    usage = message.usage
    told.append(["claude", usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens,
                 usage.output_tokens])

gpt = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
function = {"name": "weather", "parameters": SCHEMA}
ask = dict(model="m", messages=ask["messages"], tools=[{"type": "function", "function": function}])
whole = gpt.chat.completions.create(**ask)
assert json.loads(whole.choices[0].message.tool_calls[0].function.arguments) == ARGUMENTS, whole
told.append(["chat", whole.usage.prompt_tokens, whole.usage.completion_tokens])
text, usages = "", []
for chunk in gpt.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}):
    for choice in chunk.choices:
        text += "".join(call.function.arguments or "" for call in choice.delta.tool_calls or [])
    usages += [chunk.usage] if chunk.usage else []
assert json.loads(text) == ARGUMENTS and len(usages) == 1, (text, usages)
told.append(["chat", usages[0].prompt_tokens, usages[0].completion_tokens])
# Who does not ask for usage is told none, and is billed all the same.
text = ""
for chunk in gpt.chat.completions.create(**ask, stream=True):
    assert chunk.usage is None, chunk
    for choice in chunk.choices:
        text += "".join(call.function.arguments or "" for call in choice.delta.tool_calls or [])
assert json.loads(text) == ARGUMENTS, text

ask = dict(model="m", input="Weather?", tools=[{"type": "function", "strict": False, **function}])
streamed = [event.response for event in gpt.responses.create(**ask, stream=True) if event.type == "response.completed"]
for response in [gpt.responses.create(**ask), *streamed]:
    assert json.loads(response.output[-1].arguments) == ARGUMENTS, response
    told.append(["responses", response.usage.input_tokens, response.usage.output_tokens])
assert len(streamed) == 1, streamed

gemini = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url))
config = types.GenerateContentConfig(
    tools=[types.Tool(function_declarations=[types.FunctionDeclaration(name="weather", parameters_json_schema=SCHEMA)])],
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
ask = dict(model="m", contents="Weather?", config=config)
for answer in (gemini.models.generate_content(**ask), list(gemini.models.generate_content_stream(**ask))[-1]):
    call = answer.candidates[0].content.parts[0].function_call
    assert call.args == ARGUMENTS, answer
    usage = answer.usage_metadata
    told.append(["gemini", usage.prompt_token_count, usage.total_token_count])

print(json.dumps(told))
