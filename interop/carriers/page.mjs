// The chat of the page, in the page itself or in a worker of it.

const asked = new URLSearchParams(location.search);
const show = (id, text) => {
  document.querySelector(`[data-testid="${id}"]`).textContent = text;
};

const chat = asked.has("worker") ? inWorker() : await inPage();

/** What the suite calls. */
Object.assign(window, { chat });

document.querySelector("form").onsubmit = (event) => {
  event.preventDefault();
  const field = document.querySelector("input");
  chat.say(field.value);
  field.value = "";
};

async function inPage() {
  const { open } = await import("/chat.mjs");
  return open(location.search, hear);
}

function inWorker() {
  const worker = new Worker("/worker.mjs", { type: "module" });
  worker.onmessage = ({ data }) => hear(data);
  worker.postMessage({ open: location.search });
  return { say: (text) => worker.postMessage({ say: text }) };
}

function hear({ carrier, client, state, said, gap }) {
  if (client) show("client", client);
  if (state) show("state", state);
  if (carrier) show("carrier", carrier);
  if (said === undefined && gap === undefined) return;
  const item = document.createElement("li");
  item.textContent = said ?? `gap: ${gap}`;
  document.querySelector("ol").append(item);
}
