// Vercel's ai package. By default its OpenAI provider asks for Responses; `.chat` asks for chat completions.

import { createOpenAI } from "@ai-sdk/openai";
import { embedMany, generateObject, generateText, jsonSchema, streamText, tool } from "ai";

const schema = jsonSchema({ type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false });
const prompt = "Che tempo fa a Roma?";
const settings = { prompt, maxRetries: 0 };
const openai = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL });

async function pieces(model) {
  const found = [];
  for await (const part of streamText({ ...settings, model, onError: () => {} }).fullStream) {
    if (part.type === "text-delta") found.push(part.text);
    if (part.type === "error") throw part.error;
  }
  return found;
}

export const chat = async () => (await generateText({ ...settings, model: openai.chat("primary/ok,tokens=3") })).text;

export const stream = () => pieces(openai.chat("primary/ok,tokens=3"));

export const other_dialect = () => pieces(openai.chat("backup/ok,tokens=3"));

export async function tools() {
  const tools = { weather: tool({ inputSchema: schema }) };
  const reply = await generateText({ ...settings, model: openai.chat("primary/tools"), tools });
  return [reply.toolCalls[0].toolName, reply.toolCalls[0].input];
}

export const structured = async () =>
  (await generateObject({ ...settings, model: openai.chat("primary/json"), schema })).object;

export async function embeddings() {
  const reply = await embedMany({ model: openai.embedding("primary/ok"), values: ["uno", "due"], maxRetries: 0 });
  return reply.embeddings.map((vector) => vector.length);
}

export const responses = async () => (await pieces(openai("primary/ok,tokens=3"))).join("");

export async function wrong_key() {
  const stranger = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL, apiKey: "sk-wrong" });
  return generateText({ ...settings, model: stranger.chat("fast") });
}

export const cut_stream = () => pieces(openai.chat("primary/cut@3"));
