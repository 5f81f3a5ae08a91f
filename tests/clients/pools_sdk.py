"""The official SDKs against pools whose accounts come and go: python pools_sdk.py URL KEY; ends once its input does"""
import collections
import json
import sys
import threading

import anthropic
import openai
from google import genai
from google.genai import types

url, key = sys.argv[1:3]
WORDS = "Héllo from a pool"
claude = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)
gpt = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
# Without retry options, this one tries once.
gemini = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url))
ask = [{"role": "user", "content": "Hello"}]


def messages():
    message = claude.messages.create(model="claude-opus-5-5", max_tokens=64, messages=ask)
    assert message.content[0].text == WORDS and message.usage.output_tokens == 41, message


def messages_stream():
    with claude.messages.stream(model="claude-streamed", max_tokens=64, messages=ask) as stream:
        message = stream.get_final_message()
    assert message.content[0].text == WORDS and message.stop_reason == "end_turn", message


def chat():
    answer = gpt.chat.completions.create(model="gpt-5.5", messages=ask)
    assert answer.choices[0].message.content == WORDS and answer.usage.completion_tokens == 41, answer


def chat_stream():
    chunks = list(gpt.chat.completions.create(model="gpt-5.5", messages=ask, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == WORDS, chunks
    assert chunks[-1].choices[0].finish_reason == "stop", chunks


def responses():
    answer = gpt.responses.create(model="gpt-5.5", input="Hello")
    assert answer.output_text == WORDS and answer.usage.output_tokens == 41, answer


def responses_stream():
    events = list(gpt.responses.create(model="gpt-5.5", input="Hello", stream=True))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == WORDS, events
    assert events[-1].type == "response.completed", events


def generate():
    answer = gemini.models.generate_content(model="gemini-3.8-flash", contents="Hello")
    assert answer.text == WORDS and answer.usage_metadata.candidates_token_count == 41, answer


def generate_stream():
    chunks = list(gemini.models.generate_content_stream(model="gemini-3.8-flash", contents="Hello"))
    assert "".join(chunk.text or "" for chunk in chunks) == WORDS, chunks
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP, chunks


over = threading.Event()
served, failures, lock = collections.Counter(), [], threading.Lock()


def drive(call):
    while not over.is_set():
        try:
            call()
            with lock:
                served[call.__name__] += 1
        except Exception as error:
            with lock:
                failures.append(f"{call.__name__}: {error!r}")
        over.wait(0.005)


calls = [messages, messages_stream, chat, chat_stream, responses, responses_stream, generate, generate_stream]
threads = [threading.Thread(target=drive, args=(call,)) for call in calls]
for thread in threads:
    thread.start()
print("driving", flush=True)
sys.stdin.read()
over.set()
for thread in threads:
    thread.join()
print(json.dumps({"served": served, "failures": failures}))
