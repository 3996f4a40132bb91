// The openai package for Node.

import OpenAI from "openai";

const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
const messages = [{ role: "user", content: "Che tempo fa a Roma?" }];
const llm = new OpenAI({ maxRetries: 0 });

async function pieces(model) {
  const found = [];
  for await (const chunk of await llm.chat.completions.create({ model, messages, stream: true })) {
    if (chunk.choices[0]?.delta.content) found.push(chunk.choices[0].delta.content);
  }
  return found;
}

export async function chat() {
  const reply = await llm.chat.completions.create({ model: "primary/ok,tokens=3", messages });
  return reply.choices[0].message.content;
}

export const stream = () => pieces("primary/ok,tokens=3");

export const other_dialect = () => pieces("backup/ok,tokens=3");

export async function tools() {
  const tools = [{ type: "function", function: { name: "weather", parameters: schema } }];
  const reply = await llm.chat.completions.create({ model: "primary/tools", messages, tools });
  const call = reply.choices[0].message.tool_calls[0].function;
  return [call.name, call.arguments];
}

export async function structured() {
  const response_format = { type: "json_schema", json_schema: { name: "place", schema, strict: true } };
  const reply = await llm.chat.completions.parse({ model: "primary/json", messages, response_format });
  return JSON.parse(reply.choices[0].message.content);
}

export async function embeddings() {
  const reply = await llm.embeddings.create({ model: "primary/ok", input: ["uno", "due"] });
  return reply.data.map((one) => one.embedding.length);
}

export async function responses() {
  const events = llm.responses.stream({ model: "primary/ok,tokens=3", input: "Ciao" });
  return (await events.finalResponse()).output_text;
}

export async function wrong_key() {
  return llm.withOptions({ apiKey: "sk-wrong" }).chat.completions.create({ model: "fast", messages });
}

export const cut_stream = () => pieces("primary/cut@3");
