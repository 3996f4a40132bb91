// A chat with the gateway, as short as it can be while it does everything that a front end has to do: three ways to
// stream, a stop that keeps what came, errors as sentences, what it cost. Copy from it what you need.
//
// What a model writes is only ever put into the page as text (textContent). The key is only ever in its field.

import { LANGUAGE, number, say } from "./words.js";

document.documentElement.lang = LANGUAGE;
for (const each of document.querySelectorAll("[data-say]")) each.textContent = say[each.dataset.say];
for (const each of document.querySelectorAll("[data-hint]")) each.placeholder = say[each.dataset.hint];
for (const each of document.querySelectorAll("[data-name]")) each.ariaLabel = say[each.dataset.name];

const [settings, model, transport, key, anew] = ["settings", "model", "transport", "key", "anew"].map(found);
const [chat, welcome] = ["chat", "welcome"].map(found);
const [composer, prompt, send, stop] = ["composer", "prompt", "send", "stop"].map(found);

function found(id) {
  return document.getElementById(id);
}

// --- Asking the gateway ----------------------------------------------------------------------------------------------

/** An error whose message may be shown as it is. */
class Told extends Error {
  constructor({ message, retry_after_s: wait, status }) {
    const what = status === 401 && !key.value ? say.needsKey : message;
    const sentence = what[0].toUpperCase() + what.slice(1) + (/[.?!]$/.test(what) ? "" : ".");
    super(wait ? `${sentence} ${say.again(number(Math.ceil(wait)))}` : sentence);
  }
}

/** Send JSON, or nothing; give the response, or raise what the gateway says is wrong. */
async function ask(path, body, signal) {
  const headers = new Headers(body && { "content-type": "application/json" });
  if (key.value) headers.set("authorization", `Bearer ${key.value}`);
  let response;
  try {
    response = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Told({ message: say.unreachable });
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  throw new Told({
    message: said.error?.message ?? `HTTP ${response.status}`,
    retry_after_s: Number(response.headers.get("retry-after")) || undefined,
    status: response.status,
  });
}

/** EventSource and WebSocket cannot send headers: what they show instead is a ticket, which is good once. */
async function ticket(wish, signal) {
  return (await ask("/tickets", wish, signal)).json();
}

// Three ways to the same answer. Each is given OpenAI's chat body and a signal to stop, and gives the messages that
// docs/websocket.md describes: started, event, done, stopped, error.

/** OpenAI's own stream, read with fetch. It works with any server of that dialect; headers are no trouble. */
async function* overFetch(body, signal) {
  const asked = { ...body, stream: true, stream_options: { include_usage: true } };
  const response = await ask("/v1/chat/completions", asked, signal);
  const end = { type: "done", target: response.headers.get("x-tramite-target") };
  let proven = false;
  for await (const data of events(response.body)) {
    if (data === "[DONE]") {
      proven = true; // without it, an answer that broke off would look like a whole one
      continue;
    }
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Told(chunk.error);
    if (chunk.usage) {
      end.usage = { input_tokens: chunk.usage.prompt_tokens, output_tokens: chunk.usage.completion_tokens };
    }
    const delta = chunk.choices?.[0]?.delta ?? {};
    if (delta.reasoning_content) yield { type: "event", event: "reasoning", text: delta.reasoning_content };
    if (delta.content) yield { type: "event", event: "text", text: delta.content };
    for (const call of delta.tool_calls ?? []) yield { type: "event", event: "tool_call", name: call.function?.name };
  }
  if (!proven) throw new Told({ message: say.cut });
  yield end;
}

/** The data of server-sent events (the gateway ends lines with LF alone, and puts each event's data on one line). */
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const line = block.split("\n").find((each) => each.startsWith("data: "));
      if (line) yield line.slice(6);
    }
  }
}

/** EventSource can neither POST nor send headers: the chat is posted for a ticket, and played with it, once. */
async function* overEventSource(body, signal) {
  const { url } = await ticket({ for: "stream", body }, signal);
  const source = new EventSource(url);
  const messages = new Channel();
  source.onmessage = ({ data }) => messages.put(JSON.parse(data));
  source.onerror = () => messages.put({ type: "error", message: say.cut }); // it would come back by itself, to a 204
  signal.addEventListener("abort", () => messages.put({ type: "stopped" }));
  try {
    yield* messages;
  } finally {
    source.close(); // which the provider feels at once
  }
}

/** One WebSocket for all turns. The page sends what was said before each time, so that a turn may go over any way. */
let socket;
let turns = 0;
async function* overWebSocket(body, signal) {
  if (socket?.readyState !== WebSocket.OPEN) {
    const { url } = await ticket({ for: "websocket" }, signal);
    socket = new WebSocket(url.replace(/^\//, `${location.origin.replace(/^http/, "ws")}/`), "tramite.chat.v1");
    await new Promise((open, fail) => {
      socket.onopen = open;
      socket.onclose = () => fail(new Told({ message: say.unreachable }));
    });
  }
  const messages = new Channel();
  const id = `${++turns}`;
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data); // heartbeats, and what is still said of the turn before, are not for this one
    if (message.id === id || message.type === "error") messages.put(message);
  };
  socket.onclose = () => messages.put({ type: "error", message: say.cut });
  signal.addEventListener("abort", () => socket.send('{"type":"stop"}')); // "stopped" comes back, with what it cost
  if (signal.aborted) return;
  socket.send(JSON.stringify({ type: "start", id, ...body }));
  yield* messages;
}

/** What callbacks put in, `for await` takes out, up to the message that ends an answer. */
class Channel {
  #waiting = [];
  #wake = () => {};

  put(message) {
    this.#waiting.push(message);
    this.#wake();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      while (this.#waiting.length) {
        const message = this.#waiting.shift();
        if (message.type === "error") throw new Told(message);
        yield message;
        if (message.type === "done" || message.type === "stopped") return;
      }
      await new Promise((wake) => (this.#wake = wake));
    }
  }
}

const WAYS = { fetch: overFetch, eventsource: overEventSource, websocket: overWebSocket };

// --- Showing ---------------------------------------------------------------------------------------------------------

/** An element with text in it. */
function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

/** Add to the chat, and stay at its end for whoever was there. */
function show(parent, child) {
  const atEnd = chat.scrollHeight - chat.scrollTop - chat.clientHeight < 80;
  if (child) parent.append(child);
  if (atEnd) chat.scrollTop = chat.scrollHeight;
  return child;
}

/** One answer on the page, which grows as messages come. */
class Answer {
  text = "";
  #began = performance.now();
  #first;
  #box = show(chat, element("article", "theirs"));
  #said = show(this.#box, element("p", "said"));
  #thought;
  #notices;

  constructor() {
    this.#box.ariaBusy = "true"; // a screen reader waits for the whole answer
  }

  take(message) {
    if (message.type === "event") this.#happened(message);
    if (message.type === "done" || message.type === "stopped") this.#tell(message);
  }

  fail(error) {
    if (!this.text) this.#said.hidden = true;
    show(this.#box, element("p", "wrong", error.message)).setAttribute("role", "alert");
  }

  close() {
    this.#box.ariaBusy = "false";
    if (!this.text) this.#said.hidden = true;
  }

  #happened({ event, text, target, delay_s: delay, name }) {
    if (event === "text" || event === "reasoning") this.#first ??= performance.now();
    if (event === "text") this.#said.textContent = this.text += text;
    else if (event === "reasoning") this.#think(text);
    else if (event === "restarted") this.#said.textContent = this.text = ""; // what came so far is void
    if (event === "notice") this.#notice(text);
    if (event === "retrying") this.#notice(say.retrying(target, delay));
    if (event === "restarted" || event === "loading") this.#notice(say[event](target));
    if (event === "tool_call" && name) this.#notice(say.tool(name));
    show(this.#box);
  }

  #think(text) {
    if (!this.#thought) {
      const details = element("details", "thinking");
      details.append(element("summary", "", say.thinking), (this.#thought = element("p", "")));
      this.#said.before(details);
    }
    this.#thought.textContent += text;
  }

  #notice(text) {
    this.#notices ??= show(this.#box, element("div", "notices"));
    show(this.#notices, element("p", "", text));
  }

  /** Who answered, with how much, for how much, and how fast: times as they were seen here. */
  #tell({ type, target, usage, cost_nanousd: cost }) {
    const dollars = { style: "currency", currency: "USD", maximumSignificantDigits: 3 };
    const seconds = (until) => number((until - this.#began) / 1000, 2);
    const facts = [
      type === "stopped" && say.stopped,
      target,
      usage?.output_tokens != null && say.tokens(number(usage.input_tokens ?? 0), number(usage.output_tokens)),
      cost != null && (cost / 1e9).toLocaleString(LANGUAGE, dollars),
      this.#first && say.first(seconds(this.#first)),
      say.total(seconds(performance.now())),
    ];
    const line = element("p", "facts");
    line.append(...facts.filter(Boolean).map((fact) => element("span", "", fact)));
    show(this.#box, line);
  }
}

// --- The conversation ------------------------------------------------------------------------------------------------

let messages = []; // what was said so far, in OpenAI's form
let running; // the AbortController of the answer under way

async function turn(text) {
  welcome.hidden = true;
  show(chat, element("article", "mine")).append(element("p", "", text));
  chat.scrollTop = chat.scrollHeight;
  const conversation = messages;
  const asked = { role: "user", content: text };
  const answer = new Answer();
  const stopping = (running = new AbortController());
  busy(true);
  try {
    const body = { ...(model.value && { model: model.value }), messages: [...conversation, asked] };
    for await (const message of WAYS[transport.value](body, stopping.signal)) answer.take(message);
  } catch (error) {
    if (error.name === "AbortError") answer.take({ type: "stopped" }); // fetch says it so
    else if (error instanceof Told) answer.fail(error);
    else throw error;
  } finally {
    answer.close();
    if (answer.text) conversation.push(asked, { role: "assistant", content: answer.text }); // what was stopped counts too
    if (running === stopping) busy(false);
  }
}

function busy(is) {
  send.hidden = is;
  stop.hidden = !is;
  if (!is) {
    running = undefined;
    prompt.focus();
  }
}

async function listModels() {
  try {
    const { data } = await (await ask("/v1/models")).json();
    model.replaceChildren(...data.map(({ id }) => new Option(id)));
    for (const each of chat.querySelectorAll(".wrong.first")) each.remove();
  } catch (error) {
    if (!chat.querySelector(".first")) show(chat, element("p", "wrong first", error.message));
  }
  if (!model.options.length) model.append(new Option(say.standard, ""));
}

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = prompt.value.trim();
  if (!text || running) return;
  prompt.value = "";
  turn(text);
});
prompt.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    composer.requestSubmit();
  }
});
document.addEventListener("keydown", (event) => event.key === "Escape" && running?.abort());
stop.addEventListener("click", () => running?.abort());
anew.addEventListener("click", () => {
  running?.abort();
  messages = [];
  chat.replaceChildren(welcome);
  welcome.hidden = false;
  prompt.focus();
});
key.addEventListener("change", () => {
  socket?.close(); // it was opened with the other key
  listModels();
});
settings.addEventListener("submit", (event) => event.preventDefault());

listModels();
prompt.focus();
