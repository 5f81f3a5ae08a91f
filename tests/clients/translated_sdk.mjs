// The official TypeScript SDKs against accounts of every other API: node translated_sdk.mjs MODULES URL KEY
//
// Each has a conversation about a picture with a tool, in three rounds, of which the second calls it twice at once, whole and
// streamed; its own accumulators must give what the upstream said, and the next request must carry all of it back. Then it asks
// for an object of a type of its own.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [modules, url, key] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { default: Anthropic } = require("@anthropic-ai/sdk");
const { zodOutputFormat } = require("@anthropic-ai/sdk/helpers/zod");
const { default: OpenAI } = require("openai");
const { zodResponseFormat, zodTextFormat } = require("openai/helpers/zod");
const { GoogleGenAI } = require("@google/genai");
const { z } = require("zod");

const CALLS = [[0], [1, 2], [3], []];
const [FRESH, CACHED, OUTPUT, THOUGHT] = [10, 5, 20, 7];
const PICTURE =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
const SCHEMA = {
  type: "object",
  properties: { place: { type: "string" }, round: { type: "integer" }, amount: { type: "number" } },
  required: ["place", "round"],
  additionalProperties: false,
};
const Place = z.object({ place: z.string(), amount: z.number() });
const PLACE = { place: "Zürich", amount: 100.5 };

const words = (round) => (CALLS[round].length ? `Looking ${round}.` : "Done: \u00fcn\u00efcode.");
const called = (numbers) => numbers.map((round) => ["look_up", { place: "Zürich", round, amount: 100.5 }]);
// What Chat Completions tell of thoughts is each vendor's own.
const thinks = (model) => model !== "openai-chat";
// What stands before calls: Gemini's models sign them, and other APIs have a place for that in a thought alone.
const remembered = (model, numbers, thought) => (model === "gemini" && numbers.length ? [thought] : []);

async function claude(model, stream) {
  const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
  const tool = { name: "look_up", description: "Looks a place up.", input_schema: SCHEMA };
  const picture = { type: "image", source: { type: "base64", media_type: "image/png", data: PICTURE } };
  const messages = [{ role: "user", content: [picture, { type: "text", text: "Go." }] }];
  const asked = (ask) => (stream ? client.messages.stream(ask).finalMessage() : client.messages.parse(ask));
  for (const [round, numbers] of CALLS.entries()) {
    const message = await asked({
      model: `to-${model}`,
      max_tokens: 4000,
      system: "Be brief.",
      tools: [tool],
      messages,
      thinking: { type: "enabled", budget_tokens: 2000 },
    });
    const kinds = message.content.map((block) => block.type);
    const thoughts = [...(thinks(model) ? ["thinking"] : []), "text", ...remembered(model, numbers, "thinking")];
    assert.deepEqual(kinds, [...thoughts, ...numbers.map(() => "tool_use")]);
    assert.equal(message.content.find((block) => block.type === "text").text, words(round));
    assert.equal(message.stop_reason, numbers.length ? "tool_use" : "end_turn");
    const { input_tokens, cache_read_input_tokens, output_tokens } = message.usage;
    assert.deepEqual([input_tokens, cache_read_input_tokens, output_tokens], [FRESH, CACHED, OUTPUT]);
    assert.equal(message.model, `to-${model}`);
    const uses = message.content.filter((block) => block.type === "tool_use");
    assert.deepEqual(uses.map((use) => [use.name, use.input]), called(numbers));
    messages.push({ role: "assistant", content: message.content });
    const found = uses.map((use) => ({ type: "tool_result", tool_use_id: use.id, content: `found ${use.input.round}` }));
    messages.push({ role: "user", content: found });
  }
  const message = await asked({
    model: `to-${model}`,
    max_tokens: 4000,
    messages: [{ role: "user", content: "As JSON." }],
    output_config: { format: zodOutputFormat(Place) },
  });
  assert.deepEqual(message.parsed_output, PLACE);
}

async function chat(model, stream) {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
  const description = "Looks a place up.";
  const tool = { type: "function", function: { name: "look_up", description, parameters: SCHEMA, strict: false } };
  const picture = { type: "image_url", image_url: { url: `data:image/png;base64,${PICTURE}` } };
  const messages = [
    { role: "system", content: "Be brief." },
    { role: "user", content: [{ type: "text", text: "Go." }, picture] },
  ];
  const asked = (ask, method) =>
    stream
      ? client.chat.completions.stream({ ...ask, stream_options: { include_usage: true } }).finalChatCompletion()
      : client.chat.completions[method](ask);
  for (const [round, numbers] of CALLS.entries()) {
    const completion = await asked({
      model: `to-${model}`,
      tools: [tool],
      messages,
      max_completion_tokens: 4000,
      reasoning_effort: "low",
    }, "create");
    const { message, finish_reason } = completion.choices[0];
    assert.equal(message.content, words(round));
    assert.equal(finish_reason, numbers.length ? "tool_calls" : "stop");
    const { prompt_tokens, completion_tokens, prompt_tokens_details, completion_tokens_details } = completion.usage;
    assert.deepEqual(
      [prompt_tokens, prompt_tokens_details.cached_tokens, completion_tokens, completion_tokens_details.reasoning_tokens],
      [FRESH + CACHED, CACHED, OUTPUT, THOUGHT],
    );
    assert.equal(completion.model, `to-${model}`);
    const made = message.tool_calls ?? [];
    assert.deepEqual(made.map((call) => [call.function.name, JSON.parse(call.function.arguments)]), called(numbers));
    assert(made.every((call) => call.function.arguments.includes("100.50")));
    const tool_calls = made.map(({ id, type, function: { name, arguments: told } }) => ({
      id,
      type,
      function: { name, arguments: told },
    }));
    messages.push({ role: "assistant", content: message.content, tool_calls });
    made.forEach((call, at) => messages.push({ role: "tool", tool_call_id: call.id, content: `found ${numbers[at]}` }));
  }
  const completion = await asked({
    model: `to-${model}`,
    messages: [{ role: "user", content: "As JSON." }],
    response_format: zodResponseFormat(Place, "place"),
  }, "parse");
  assert.deepEqual(completion.choices[0].message.parsed, PLACE);
}

async function responses(model, stream) {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
  const tool = { type: "function", name: "look_up", description: "Looks a place up.", parameters: SCHEMA, strict: false };
  const picture = { type: "input_image", detail: "auto", image_url: `data:image/png;base64,${PICTURE}` };
  const input = [{ type: "message", role: "user", content: [{ type: "input_text", text: "Go." }, picture] }];
  const asked = (ask) => (stream ? client.responses.stream(ask).finalResponse() : client.responses.parse(ask));
  for (const [round, numbers] of CALLS.entries()) {
    const response = await asked({
      model: `to-${model}`,
      instructions: "Be brief.",
      tools: [tool],
      input,
      store: false,
      max_output_tokens: 4000,
      reasoning: { effort: "low", summary: "auto" },
      include: ["reasoning.encrypted_content"],
    });
    const kinds = response.output.map((item) => item.type);
    const thoughts = [...(thinks(model) ? ["reasoning"] : []), "message", ...remembered(model, numbers, "reasoning")];
    assert.deepEqual(kinds, [...thoughts, ...numbers.map(() => "function_call")]);
    assert.equal(response.output_text, words(round));
    assert.equal(response.status, "completed");
    const { input_tokens, input_tokens_details, output_tokens, output_tokens_details } = response.usage;
    assert.deepEqual(
      [input_tokens, input_tokens_details.cached_tokens, output_tokens, output_tokens_details.reasoning_tokens],
      [FRESH + CACHED, CACHED, OUTPUT, THOUGHT],
    );
    assert.equal(response.model, `to-${model}`);
    const made = response.output.filter((item) => item.type === "function_call");
    assert.deepEqual(made.map((call) => [call.name, JSON.parse(call.arguments)]), called(numbers));
    assert(made.every((call) => call.arguments.includes("100.50")));
    input.push(...response.output.map(sendable));
    made.forEach(({ call_id }, at) =>
      input.push({ type: "function_call_output", call_id, output: `found ${numbers[at]}` }),
    );
  }
  const text = { format: zodTextFormat(Place, "place") };
  const response = await asked({ model: `to-${model}`, input: "As JSON.", store: false, text });
  assert.deepEqual(response.output_parsed, PLACE);
}

// An item without what the SDK has read out of it.
function sendable(item) {
  const { parsed_arguments, ...rest } = item;
  return rest.content ? { ...rest, content: rest.content.map(({ parsed, ...part }) => part) } : rest;
}

async function gemini(model, stream) {
  const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } });
  const declaration = { name: "look_up", description: "Looks a place up.", parametersJsonSchema: SCHEMA };
  const config = {
    systemInstruction: "Be brief.",
    tools: [{ functionDeclarations: [declaration] }],
    maxOutputTokens: 4000,
    thinkingConfig: { includeThoughts: true, thinkingBudget: 2000 },
  };
  const contents = [];
  await conversed(model, async (parts) => {
    contents.push({ role: "user", parts });
    const ask = { model: `to-${model}`, contents, config };
    const answers = stream
      ? await Array.fromAsync(await client.models.generateContentStream(ask))
      : [await client.models.generateContent(ask)];
    const said = answers.flatMap((answer) => answer.candidates[0].content.parts);
    contents.push({ role: "model", parts: said.filter((part) => part.text || part.functionCall) });
    return answers;
  });
  // A chat remembers what it has been told, and forgets a turn in which a chunk has no part.
  const chat = client.chats.create({ model: `to-${model}`, config });
  await conversed(model, async (message) =>
    stream ? Array.fromAsync(await chat.sendMessageStream({ message })) : [await chat.sendMessage({ message })],
  );
  assert.equal(chat.getHistory(true).filter((turn) => turn.role === "user").length, CALLS.length);
  const ask = {
    model: `to-${model}`,
    contents: "As JSON.",
    config: { responseMimeType: "application/json", responseJsonSchema: z.toJSONSchema(Place) },
  };
  const answers = stream
    ? await Array.fromAsync(await client.models.generateContentStream(ask))
    : [await client.models.generateContent(ask)];
  assert.deepEqual(Place.parse(JSON.parse(answers.map((answer) => answer.text ?? "").join(""))), PLACE);
}

async function conversed(model, asked) {
  let parts = [{ text: "Go." }, { inlineData: { mimeType: "image/png", data: PICTURE } }];
  for (const [round, numbers] of CALLS.entries()) {
    const answers = await asked(parts);
    assert(answers.every((answer) => answer.candidates?.[0]?.content?.parts?.length));
    const said = answers.flatMap((answer) => answer.candidates[0].content.parts);
    const text = (thought) =>
      said.flatMap((part) => (part.text && Boolean(part.thought) === thought ? [part.text] : [])).join("");
    assert.equal(text(false), words(round));
    assert.equal(text(true), thinks(model) ? "Hm." : "");
    const last = answers.at(-1);
    const { promptTokenCount, cachedContentTokenCount, candidatesTokenCount, thoughtsTokenCount } = last.usageMetadata;
    assert.deepEqual(
      [promptTokenCount, cachedContentTokenCount, candidatesTokenCount, thoughtsTokenCount],
      [FRESH + CACHED, CACHED, OUTPUT - THOUGHT, THOUGHT],
    );
    assert.equal(last.candidates[0].finishReason, "STOP");
    const made = said.flatMap((part) => part.functionCall ?? []);
    assert.deepEqual(made.map((call) => [call.name, call.args]), called(numbers));
    parts = made.map(({ id, name }, at) => ({
      functionResponse: { id, name, response: { output: `found ${numbers[at]}` } },
    }));
  }
}

const CLIENTS = { anthropic: claude, "openai-chat": chat, "openai-responses": responses, gemini };
const failed = [];
for (const [api, client] of Object.entries(CLIENTS))
  for (const model of Object.keys(CLIENTS).filter((model) => model !== api))
    for (const stream of [false, true])
      await client(model, stream).catch((error) =>
        failed.push(`${api} on ${model}, ${stream ? "streamed" : "whole"}: ${error.stack}`),
      );
assert(failed.length === 0, failed.join("\n\n"));
