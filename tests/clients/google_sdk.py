"""The official Google SDK against a running gateway: python google_sdk.py URL KEY"""
import sys

from google import genai
from google.genai import errors, types

url, key = sys.argv[1:3]
WORDS = "Hello from Sluice's simulated provider. Everything between you and me is the real gateway."
MODEL = "gemini-3.8-flash"


def connect(with_key, base=url, version=None):
    return genai.Client(api_key=with_key, http_options=types.HttpOptions(base_url=base, api_version=version))


for base, version in ((url, None), (url, "v1beta"), (url, "v1"), (f"{url}/gemini", "v1beta"), (f"{url}/gemini", "v1")):
    client = connect(key, base, version)
    answer = client.models.generate_content(model=MODEL, contents="Hello")
    assert answer.text == WORDS and answer.usage_metadata.candidates_token_count > 0, answer
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP, answer
    chunks = list(client.models.generate_content_stream(model=MODEL, contents="Hello"))
    assert len(chunks) > 1 and "".join(chunk.text for chunk in chunks) == WORDS, chunks
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP, chunks[-1]
    assert chunks[-1].usage_metadata.candidates_token_count == answer.usage_metadata.candidates_token_count
    few = client.models.count_tokens(model=MODEL, contents="Hello").total_tokens
    assert 0 < few < client.models.count_tokens(model=MODEL, contents="Hello " * 100).total_tokens
    embedded = client.models.embed_content(model="gemini-embedding-001", contents=["a", "b"])
    assert [one.values[0] for one in embedded.embeddings] == [0.25, 0.25], embedded
    names = [model.name for model in client.models.list(config={"page_size": 2})]
    assert {f"models/{MODEL}", "models/gemini-embedding-001"} <= set(names) and len(names) == len(set(names)), names
    assert client.models.get(model=MODEL).name == f"models/{MODEL}"

ARGUMENTS = {"city": "simulated", "days": 1}
weather = types.FunctionDeclaration(name="weather", description="d", parameters_json_schema={
    "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city", "days"]})
config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[weather])])
client = connect(key)
whole = client.models.generate_content(model=MODEL, contents="Hello", config=config)
chunks = list(client.models.generate_content_stream(model=MODEL, contents="Hello", config=config))
calls = [call for chunk in chunks for call in chunk.function_calls or []]
assert [(call.name, call.args) for call in calls] == [("weather", ARGUMENTS)], chunks
assert [(call.name, call.args) for call in whole.function_calls] == [("weather", ARGUMENTS)], whole
response = types.Part.from_function_response(name="weather", response={"output": "12C"})
turn = [types.Content(role="user", parts=[types.Part(text="Hello")]), whole.candidates[0].content,
        types.Content(role="user", parts=[response])]
assert client.models.generate_content(model=MODEL, contents=turn, config=config).text == WORDS

# Kept in a variable: a client that nothing holds closes itself before it sends.
stranger = connect("wrong")
try:
    stranger.models.generate_content(model="m", contents="Hello")
    raise SystemExit("a wrong key was accepted")
except errors.ClientError as error:
    assert error.code == 401 and error.status == "UNAUTHENTICATED", error
try:
    client.models.get(model="nonesuch")
    raise SystemExit("an unknown model was found")
except errors.ClientError as error:
    assert error.code == 404 and error.status == "NOT_FOUND", error
print("fine")
