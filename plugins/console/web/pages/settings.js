// How clients are pointed at this gateway: as their own documentation has it, with the address filled in.

/** Each client, with what goes where. */
export const SETTINGS = [
  { name: "Claude Code", says: "In your shell, or in ~/.claude/settings.json.", parts: [
    ["Shell", (base) => `export ANTHROPIC_BASE_URL=${base}\nexport ANTHROPIC_AUTH_TOKEN=YOUR_KEY\nclaude`],
    ["~/.claude/settings.json", (base) => JSON.stringify({ env: { ANTHROPIC_BASE_URL: base, ANTHROPIC_AUTH_TOKEN: "YOUR_KEY" } }, null, 2)],
  ] },
  { name: "Codex", says: "In ~/.codex/config.toml; the key stands in the environment.", parts: [
    ["~/.codex/config.toml", (base) => `model_provider = "sluice"\n\n[model_providers.sluice]\nname = "Sluice"\nbase_url = "${base}/v1"\nenv_key = "SLUICE_API_KEY"\nwire_api = "responses"`],
    ["Shell", () => "export SLUICE_API_KEY=YOUR_KEY\ncodex"],
  ] },
  { name: "Gemini CLI", says: "In your shell.", parts: [["Shell", (base) => `export GOOGLE_GEMINI_BASE_URL=${base}\nexport GEMINI_API_KEY=YOUR_KEY\ngemini`]] },
  { name: "Python", says: "The official SDKs.", parts: [
    ["anthropic", (base) => `from anthropic import Anthropic\n\nclient = Anthropic(base_url="${base}", api_key="YOUR_KEY")`],
    ["openai", (base) => `from openai import OpenAI\n\nclient = OpenAI(base_url="${base}/v1", api_key="YOUR_KEY")`],
    ["google-genai", (base) => `from google import genai\nfrom google.genai import types\n\nclient = genai.Client(\n    api_key="YOUR_KEY",\n    http_options=types.HttpOptions(base_url="${base}"),\n)`],
  ] },
  { name: "TypeScript", says: "The official SDKs.", parts: [
    ["@anthropic-ai/sdk", (base) => `import Anthropic from "@anthropic-ai/sdk";\n\nconst client = new Anthropic({ baseURL: "${base}", apiKey: "YOUR_KEY" });`],
    ["openai", (base) => `import OpenAI from "openai";\n\nconst client = new OpenAI({ baseURL: "${base}/v1", apiKey: "YOUR_KEY" });`],
    ["@google/genai", (base) => `import { GoogleGenAI } from "@google/genai";\n\nconst client = new GoogleGenAI({\n  apiKey: "YOUR_KEY",\n  httpOptions: { baseUrl: "${base}" },\n});`],
  ] },
  { name: "Go", says: "The official SDKs.", parts: [
    ["anthropic-sdk-go", (base) => `client := anthropic.NewClient(\n\toption.WithBaseURL("${base}"),\n\toption.WithAPIKey("YOUR_KEY"),\n)`],
    ["openai-go", (base) => `client := openai.NewClient(\n\toption.WithBaseURL("${base}/v1"),\n\toption.WithAPIKey("YOUR_KEY"),\n)`],
    ["google.golang.org/genai", (base) => `client, err := genai.NewClient(ctx, &genai.ClientConfig{\n\tAPIKey:      "YOUR_KEY",\n\tHTTPOptions: genai.HTTPOptions{BaseURL: "${base}"},\n})`],
  ] },
  { name: "curl", says: "A line for each client API.", parts: [
    ["Claude Messages", (base) => `curl ${base}/v1/messages \\\n  -H "x-api-key: YOUR_KEY" -H "anthropic-version: 2023-06-01" \\\n  -H "content-type: application/json" \\\n  -d '{"model": "claude-haiku-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]}'`],
    ["OpenAI Chat Completions", (base) => `curl ${base}/v1/chat/completions \\\n  -H "authorization: Bearer YOUR_KEY" -H "content-type: application/json" \\\n  -d '{"model": "gpt-5.5", "messages": [{"role": "user", "content": "Hello"}]}'`],
    ["Gemini", (base) => `curl "${base}/v1beta/models/gemini-2.5-flash:generateContent" \\\n  -H "x-goog-api-key: YOUR_KEY" -H "content-type: application/json" \\\n  -d '{"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}'`],
  ] },
];
