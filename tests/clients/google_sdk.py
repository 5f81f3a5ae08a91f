"""The official Google SDK against a running gateway: python google_sdk.py URL KEY"""
import sys

from google import genai
from google.genai import errors, types

url, key = sys.argv[1:3]


def connect(with_key, version=None):
    return genai.Client(api_key=with_key, http_options=types.HttpOptions(base_url=url, api_version=version))


for version in (None, "v1beta", "v1"):
    client = connect(key, version)
    answer = client.models.generate_content(model="gemini-3.8-flash", contents="Hello")
    assert answer.text.startswith("Hello from Sluice"), answer
    assert answer.usage_metadata.candidates_token_count > 0
    chunks = list(client.models.generate_content_stream(model="gemini-3.8-flash", contents="Hello"))
    assert "".join(chunk.text for chunk in chunks) == answer.text
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert client.models.count_tokens(model="gemini-3.8-flash", contents="Hello").total_tokens > 0
    embedded = client.models.embed_content(model="gemini-embedding-001", contents=["a", "b"])
    assert len(embedded.embeddings) == 2 and embedded.embeddings[0].values[0] == 0.25, embedded

weather = types.FunctionDeclaration(name="weather", description="d", parameters_json_schema={
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})
config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[weather])])
client = connect(key)
called = client.models.generate_content(model="gemini-3.8-flash", contents="Hello", config=config)
assert called.function_calls[0].name == "weather" and called.function_calls[0].args == {"city": "simulated"}, called
turn = [types.Content(role="user", parts=[types.Part(text="Hello")]), called.candidates[0].content,
        types.Content(role="user", parts=[types.Part.from_function_response(name="weather", response={"output": "12C"})])]
answer = client.models.generate_content(model="gemini-3.8-flash", contents=turn, config=config)
assert answer.text.startswith("Hello from Sluice"), answer
assert any(model.name == "models/gemini-3.8-flash" for model in client.models.list())

# Kept in a variable: a client that nothing holds closes itself before it sends.
stranger = connect("wrong")
try:
    stranger.models.generate_content(model="m", contents="Hello")
    raise SystemExit("a wrong key was accepted")
except errors.ClientError as error:
    assert error.code == 401 and error.status == "UNAUTHENTICATED", error
print("fine")
