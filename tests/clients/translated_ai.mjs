// The AI SDK with each vendor's provider against accounts of every other API: node translated_ai.mjs MODULES URL KEY
//
// It runs the tool itself: one call of generateText or streamText is the whole conversation about a picture, in three rounds, of
// which the second calls the tool twice at once. Then it asks for an object of a type of its own.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [modules, url, key] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const { generateText, isStepCount, jsonSchema, Output, streamText, tool } = require("ai");
const { createAnthropic } = require("@ai-sdk/anthropic");
const { createGoogle } = require("@ai-sdk/google");
const { createOpenAI } = require("@ai-sdk/openai");
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
const words = (round) => (CALLS[round].length ? `Looking ${round}.` : "Done: \u00fcn\u00efcode.");

const anthropic = createAnthropic({ baseURL: `${url}/v1`, apiKey: key });
const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: key });
const google = createGoogle({ baseURL: `${url}/v1beta`, apiKey: key });
// Each with what it is to be told beside the conversation, and where it asks for an object; of a model that it doesn't know,
// Anthropic's would have the object as a call of a tool.
const CLIENTS = {
  anthropic: [
    anthropic,
    { anthropic: { thinking: { type: "enabled", budgetTokens: 2000 } } },
    { anthropic: { structuredOutputMode: "outputFormat" } },
  ],
  "openai-chat": [openai.chat, { openai: { reasoningEffort: "low" } }, {}],
  "openai-responses": [
    openai.responses,
    { openai: { reasoningEffort: "low", reasoningSummary: "auto", store: false } },
    { openai: { store: false } },
  ],
  gemini: [google, { google: { thinkingConfig: { includeThoughts: true, thinkingBudget: 2000 } } }, {}],
};

async function conversed(api, model, stream) {
  const [provider, providerOptions, structured] = CLIENTS[api];
  const answered = async (ask) => {
    if (!stream) return generateText(ask);
    const errors = [];
    const result = streamText({ ...ask, onError: ({ error }) => errors.push(error) });
    const [steps, output] = [await result.steps, ask.output && (await result.output)];
    if (errors.length) throw errors[0];
    return { steps, output };
  };
  const execute = async ({ round }) => `found ${round}`;
  const { steps } = await answered({
    model: provider(`to-${model}`),
    maxRetries: 0,
    maxOutputTokens: 4000,
    system: "Be brief.",
    tools: { look_up: tool({ description: "Looks a place up.", inputSchema: jsonSchema(SCHEMA), execute }) },
    stopWhen: isStepCount(9),
    providerOptions,
    messages: [
      { role: "user", content: [{ type: "text", text: "Go." }, { type: "file", mediaType: "image/png", data: PICTURE }] },
    ],
  });
  assert.equal(steps.length, CALLS.length);
  for (const [round, numbers] of CALLS.entries()) {
    const { text, reasoningText, finishReason, usage, toolCalls, response } = steps[round];
    assert.equal(text, words(round));
    // Neither has a place where Chat Completions would tell of thoughts.
    if (api !== "openai-chat" && model !== "openai-chat") assert.equal(reasoningText?.trim(), "Hm.");
    assert.equal(finishReason, numbers.length ? "tool-calls" : "stop");
    assert.deepEqual(
      [usage.inputTokens, usage.inputTokenDetails.cacheReadTokens, usage.outputTokens],
      [FRESH + CACHED, CACHED, OUTPUT],
    );
    if (api !== "anthropic") assert.equal(usage.outputTokenDetails.reasoningTokens, THOUGHT);
    const made = toolCalls.map((call) => [call.toolName, call.input]);
    assert.deepEqual(made, numbers.map((number) => ["look_up", { place: "Zürich", round: number, amount: 100.5 }]));
    assert(response.modelId === `to-${model}`, response.modelId);
  }
  const { output } = await answered({
    model: provider(`to-${model}`),
    maxRetries: 0,
    prompt: "As JSON.",
    output: Output.object({ schema: Place }),
    providerOptions: structured,
  });
  assert.deepEqual(output, { place: "Zürich", amount: 100.5 });
}

const failed = [];
for (const api of Object.keys(CLIENTS))
  for (const model of Object.keys(CLIENTS).filter((model) => model !== api))
    for (const stream of [false, true])
      await conversed(api, model, stream).catch((error) =>
        failed.push(`${api} on ${model}, ${stream ? "streamed" : "whole"}: ${error.stack} ${error.responseBody ?? ""}`),
      );
assert(failed.length === 0, failed.join("\n\n"));
