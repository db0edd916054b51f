import { Timeline } from "./timeline.js";
import { Chat } from "./chat.js";

const byId = (id) => document.getElementById(id);
const percent = (share) => `${Math.round(share * 100)} %`;
const number = (value) => value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(1);
const bytes = (count) => count >= 2 ** 30 ? `${(count / 2 ** 30).toFixed(1)} GiB` : `${(count / 2 ** 20).toFixed(1)} MiB`;

const timeline = new Timeline(byId("timeline"));
let model = null;
const chat = new Chat(byId, () => model);

function show(view) {
  model = view.model;
  document.title = `${view.model} - Pipeline`;
  byId("model").textContent = view.model;
  showState(view.state, view.message);
  byId("build").textContent = view.stages.length ? `${view.stages.length} stage${view.stages.length > 1 ? "s" : ""}, steps travel by ${view.hops}` : "";
  byId("decode").textContent = number(view.decode_tokens_per_second);
  byId("prefill").textContent = number(view.prefill_tokens_per_second);
  byId("running").textContent = view.running;
  byId("waiting").textContent = view.waiting;
  byId("in-flight").textContent = view.in_flight;
  byId("microbatches").textContent = `of ${view.microbatches} microbatch${view.microbatches === 1 ? "" : "es"}`;
  byId("cache").textContent = percent(view.cache_usage);
  byId("bubble").textContent = percent(view.bubble);
  byId("hop").textContent = view.hop_microseconds === null ? "–" : Math.round(view.hop_microseconds).toLocaleString("en");
  byId("prefix").textContent = view.prefix_hit_rate === null ? "–" : percent(view.prefix_hit_rate);
  byId("preemptions").textContent = view.preemptions;
  showStages(view.stages);
  timeline.show(view.timeline, view.stages.length);
}

function showState(state, message) {
  const badge = byId("state");
  if (badge.textContent !== state) {
    badge.textContent = state;
    badge.className = `state ${state}`;
  }
  byId("message").textContent = message;
}

function showStages(stages) {
  const list = byId("stages");
  while (list.children.length > stages.length) {
    list.lastChild.remove();
  }
  while (list.children.length < stages.length) {
    list.append(newStage());
  }
  stages.forEach((stage, index) => {
    const row = list.children[index];
    row.classList.toggle("down", !stage.up);
    row.querySelector(".who").textContent = `${stage.stage}  ${stage.device}, layers ${stage.layers}${stage.up ? "" : ` - ${stage.trouble}`}`;
    row.querySelector(".who").title = `${stage.device_name}; weights ${bytes(stage.weight_bytes)}, cache ${bytes(stage.cache_bytes)}`;
    for (const part of ["busy", "sending", "waiting", "idle"]) {
      row.querySelector(`.part.${part}`).style.width = `${stage[part] * 100}%`;
    }
    const step = stage.step_milliseconds === null ? "" : `, ${stage.step_milliseconds.toFixed(2)} ms/step`;
    row.querySelector(".what").textContent = `${percent(stage.busy)} busy${step}`;
    row.querySelector(".bar").setAttribute("aria-label", `stage ${stage.stage}: busy ${percent(stage.busy)}, sending ${percent(stage.sending)}, waiting ${percent(stage.waiting)}, idle ${percent(stage.idle)}`);
  });
}

function newStage() {
  const row = document.createElement("li");
  row.className = "stage";
  const who = document.createElement("span");
  who.className = "who";
  const bar = document.createElement("div");
  bar.className = "bar";
  bar.setAttribute("role", "img");
  for (const part of ["busy", "sending", "waiting", "idle"]) {
    const piece = document.createElement("div");
    piece.className = `part ${part}`;
    bar.append(piece);
  }
  const what = document.createElement("span");
  what.className = "what";
  row.append(who, bar, what);
  return row;
}

function hold(on) {
  timeline.isHeld = on;
  byId("pause").setAttribute("aria-pressed", String(on));
  byId("pause").textContent = on ? "go on" : "hold";
}

byId("pause").addEventListener("click", () => hold(!timeline.isHeld));
document.addEventListener("keydown", (event) => {
  const writing = event.target.closest("input, textarea, select");
  if (event.key === "Escape") {
    chat.stop();
  } else if (!writing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    if (event.key === "/") {
      event.preventDefault();
      byId("prompt").focus();
    } else if (event.key === "p") {
      hold(!timeline.isHeld);
    }
  }
});

const events = new EventSource("pipeline/live");
events.addEventListener("message", (event) => show(JSON.parse(event.data)));
events.addEventListener("error", () => showState("lost", "no connection to the server; trying again"));
