// A box to talk with the model, through the same interface that everybody uses.
export class Chat {
  constructor(byId, modelName) {
    this.byId = byId;
    this.modelName = modelName;
    this.messages = [];
    this.running = null;
    byId("ask").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    byId("prompt").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.send();
      }
    });
    byId("stop").addEventListener("click", () => this.stop());
    byId("clear").addEventListener("click", () => this.clear());
  }

  stop() {
    this.running?.abort();
  }

  clear() {
    this.stop();
    this.messages = [];
    this.byId("talk").replaceChildren();
    this.byId("chat-note").textContent = "";
    this.byId("prompt").focus();
  }

  async send() {
    const text = this.byId("prompt").value;
    if (this.running || text.trim() === "") {
      return;
    }
    const isChat = this.byId("mode").value === "chat";
    this.byId("prompt").value = "";
    const messages = this.messages;
    const asked = this.add("user", text);
    const answer = this.add("assistant", "");
    const began = performance.now();
    this.running = new AbortController();
    this.byId("stop").hidden = false;
    this.byId("send").disabled = true;
    try {
      const usage = await this.stream(isChat, text, answer);
      this.tell(usage, performance.now() - began);
    } catch (error) {
      if (error.name === "AbortError") {
        this.byId("chat-note").textContent = "stopped";
      } else {
        this.add("error", error.message);
      }
      if (answer.textContent === "") {
        answer.remove();
        // Nothing was said: the question is asked again, or another one, unless all was cleared.
        if (asked.isConnected) {
          asked.remove();
          this.byId("prompt").value ||= text;
        }
      }
    } finally {
      if (isChat && answer.textContent !== "") {
        // What is on the page is what was said, also when it was cut short.
        messages.push({ role: "user", content: text }, { role: "assistant", content: answer.textContent });
      }
      this.running = null;
      this.byId("stop").hidden = true;
      this.byId("send").disabled = false;
      this.byId("prompt").focus();
    }
  }

  add(kind, text) {
    const line = document.createElement("li");
    line.className = kind;
    line.textContent = text;
    const talk = this.byId("talk");
    talk.append(line);
    talk.scrollTop = talk.scrollHeight;
    return line;
  }

  tell(usage, milliseconds) {
    const rate = usage ? `${usage.completion_tokens} tokens in ${(milliseconds / 1000).toFixed(1)} s, ${(usage.completion_tokens / milliseconds * 1000).toFixed(1)} tok/s` : "";
    this.byId("chat-note").textContent = rate;
  }

  async stream(isChat, text, answer) {
    const key = this.byId("key").value;
    const body = {
      model: this.modelName(),
      max_tokens: Number(this.byId("max-tokens").value) || 200,
      temperature: Number(this.byId("temperature").value),
      stream: true,
      stream_options: { include_usage: true },
      ...(isChat ? { messages: [...this.messages, { role: "user", content: text }] } : { prompt: text }),
    };
    const response = await fetch(isChat ? "v1/chat/completions" : "v1/completions", {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) },
      body: JSON.stringify(body),
      signal: this.running.signal,
    });
    if (!response.ok) {
      throw new Error(await reason(response));
    }
    let usage = null;
    for await (const document of events(response.body)) {
      if (document.error) {
        throw new Error(document.error.message);
      }
      const choice = document.choices[0];
      if (choice) {
        const talk = this.byId("talk");
        const follows = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 40;
        answer.textContent += (isChat ? choice.delta.content : choice.text) ?? "";
        if (follows) {
          talk.scrollTop = talk.scrollHeight;
        }
      }
      usage = document.usage ?? usage;
    }
    return usage;
  }
}

async function reason(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `the server answers ${response.status}`;
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    held += value;
    const lines = held.split("\n");
    held = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data: ") && line !== "data: [DONE]") {
        yield JSON.parse(line.slice(6));
      }
    }
  }
}
