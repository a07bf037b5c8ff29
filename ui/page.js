// Runs once for each of the page's HTML components. `element`, `trigger` and `watch` are given.
// A click on [data-action] becomes an event or is handled here; text is only ever set as text.

const body = document.body;
const main = () => document.getElementById("cs-main");
const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
const smooth = () => (calm() ? "auto" : "smooth");

async function copy(button) {
  const label = button.dataset.label || button.textContent;
  button.dataset.label = label;
  try {
    await navigator.clipboard.writeText(button.dataset.text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not copied";
  }
  setTimeout(() => { button.textContent = label; }, 1600);
}

function toggleTheme() {
  const dark = body.classList.toggle("dark");
  try { localStorage.setItem("citespan-theme", dark ? "dark" : "light"); } catch { /* private mode */ }
}

// What this tab was on, so that it comes back after a reload; the library also in other tabs.
window.citespanKept = () => {
  try {
    return {
      conversation: sessionStorage.getItem("citespan-conversation") || "",
      library: sessionStorage.getItem("citespan-library")
        ?? localStorage.getItem("citespan-library") ?? "",
    };
  } catch { return {}; }
};

function remember(conversation) {
  try { sessionStorage.setItem("citespan-conversation", conversation); } catch { /* private mode */ }
}

function rememberLibrary(library) {
  try {
    sessionStorage.setItem("citespan-library", library);
    localStorage.setItem("citespan-library", library);
  } catch { /* private mode */ }
}

function scrollToEnd() {
  const last = element.querySelector(".cs-turn:last-child");
  const scroller = document.getElementById("cs-conversation");
  if (!last || !scroller) return;
  const top = last.offsetTop - scroller.offsetTop - 8;
  scroller.scrollTo({ top, behavior: smooth() });
}

function showQuote() {
  const page = element.querySelector(".cs-page");
  if (!page) return;
  const target = page.querySelector("#cs-target");
  const top = target
    ? target.getBoundingClientRect().top - page.getBoundingClientRect().top + page.scrollTop
      - page.clientHeight / 3
    : 0;
  page.scrollTo({ top: Math.max(0, top), behavior: smooth() });
}

// The question stands on the page at once; the server's first reply takes this turn's place.
window.citespanAsk = (question) => {
  const holder = document.querySelector("#cs-conversation .cs-body");
  if (!holder || !question.trim()) return;
  let turns = holder.querySelector(".cs-turns");
  if (!turns) {
    holder.replaceChildren();
    turns = holder.appendChild(document.createElement("div"));
    turns.className = "cs-turns";
  }
  const turn = turns.appendChild(document.createElement("article"));
  turn.className = "cs-turn";
  const asked = turn.appendChild(document.createElement("h2"));
  asked.className = "cs-question";
  asked.textContent = question;
  const reply = turn.appendChild(document.createElement("div"));
  reply.className = "cs-reply";
  const stage = reply.appendChild(document.createElement("p"));
  stage.className = "cs-stage";
  stage.textContent = "Searching the documents";
  turn.scrollIntoView({ block: "nearest" });
};

// A question that is answered, found after the refusal was shown.
window.citespanOffer = (offer) => {
  const last = document.querySelector("#cs-conversation .cs-turn:last-child");
  const refusal = last?.querySelector(".cs-refusal");
  const asked = last?.querySelector(".cs-question bdi")?.textContent;
  if (!offer || !refusal || asked !== offer.asked || last.querySelector(".cs-instead")) return;
  const line = document.createElement("p");
  line.className = "cs-instead";
  line.append("They do answer: ");
  const button = line.appendChild(document.createElement("button"));
  Object.assign(button, { type: "button", textContent: offer.text });
  Object.assign(button.dataset, { action: "example", text: offer.text });
  [...last.querySelectorAll(".cs-refusal, .cs-reason, .cs-note")].pop().after(line);
};

// The documents that are to be asked; none means all.
window.citespanChosen = () =>
  [...document.querySelectorAll("#cs-scope input:checked")].map((input) => input.value);

function nameChosen() {
  const said = element.querySelector(".cs-scope strong");
  if (!said) return;
  const chosen = window.citespanChosen();
  const all = element.querySelectorAll(".cs-scope input").length;
  // The name as it is shown: the value may have characters that turn it around.
  said.textContent = chosen.length === 0 || chosen.length === all ? "all documents"
    : chosen.length === 1 ? element.querySelector("input:checked + bdi").textContent
    : `${chosen.length} of ${all} documents`;
}
element.addEventListener("change", nameChosen);
// A click elsewhere folds the choice away.
if (element.querySelector(".cs-scope")) {
  document.addEventListener("click", (event) => {
    if (!element.contains(event.target)) element.querySelector(".cs-scope")?.removeAttribute("open");
  });
}

// A file that the server made, saved by the browser itself: nothing of it lies on the server.
window.citespanSave = (file) => {
  if (!file) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([file.text], { type: file.type }));
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};

window.citespanFailed = () => {
  const stage = document.querySelector("#cs-conversation .cs-turn:last-child .cs-stage");
  if (!stage) return;
  stage.className = "cs-error";
  stage.textContent = "No reply: the server is busy or has stopped. Ask again in a moment.";
};

// --- the library ------------------------------------------------------------------------------

function showView(view) {
  window.citespanView = view;
  main()?.classList.toggle("cs-away", view === "library");
  document.getElementById("cs-library")?.classList.toggle("cs-here", view === "library");
  for (const button of document.querySelectorAll(".cs-nav button")) {
    if (button.dataset.view === view) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
}

// What cannot be undone asks once more, in the same button.
function surely(button, doing, act) {
  const label = button.textContent;
  if (button.dataset.sure) {
    button.textContent = doing;
    act();
    return;
  }
  const question = `Really ${label.toLowerCase()}?`;
  button.dataset.sure = "1";
  button.textContent = question;
  setTimeout(() => {
    if (button.textContent !== question) return;
    delete button.dataset.sure;
    button.textContent = label;
  }, 4000);
}

// Which library a list of documents is of: the page may have gone on to another one meanwhile.
const libraryOf = (place) => place?.dataset.library;

function remove(button) {
  const library = libraryOf(button.closest(".cs-shelf"));
  surely(button, "Removing", () => trigger("remove", { name: button.dataset.name, library }));
}

function forget(button) {
  const identity = button.dataset.identity ?? null;
  surely(button, "Deleting", () => trigger("forget", { identity }));
}

function make(button) {
  const field = button.closest(".cs-make").querySelector("input");
  if (!field.value.trim()) { field.focus(); return; }
  trigger("make", { name: field.value });
}

element.addEventListener("change", (event) => {
  if (event.target.matches("select[data-library]")) {
    trigger("choose", { library: event.target.value });
  }
});

async function entriesOf(item, path, found) {
  if (item.isFile) {
    const file = await new Promise((done, failed) => item.file(done, failed));
    found.push({ file, name: path + file.name });
    return;
  }
  const reader = item.createReader();
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return;
    for (const entry of some) await entriesOf(entry, `${path}${item.name}/`, found);
  }
}

// Files that are dropped at once; earlier ones may still be read.
let batches = 0;

async function send(files) {
  const list = element.querySelector(".cs-uploads");
  for (const line of list.querySelectorAll(".cs-failed")) line.remove();
  const batch = ++batches;
  const library = libraryOf(document.querySelector(".cs-shelf"));
  const sent = [];
  for (const { file, name } of files) {
    const line = list.appendChild(document.createElement("li"));
    Object.assign(line.dataset, { batch, library: library ?? "" });
    line.appendChild(document.createElement("bdi")).textContent = name;
    const state = line.appendChild(document.createElement("span"));
    state.textContent = "sending";
    line.scrollIntoView({ block: "nearest" });
    try {
      const { path } = await upload(file);
      sent.push({ path, name });
      state.textContent = "sent";
    } catch {
      state.textContent = "not sent: too large, or the server has stopped";
      line.className = "cs-failed";
    }
  }
  if (sent.length) trigger("uploaded", { files: sent, library, batch });
}

function chosen(input) {
  send([...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })));
  input.value = "";
}

const zone = element.querySelector("[data-drop]");
if (zone) {
  zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("cs-over"); });
  zone.addEventListener("dragleave", () => zone.classList.remove("cs-over"));
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    zone.classList.remove("cs-over");
    const items = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
    const found = [];
    for (const item of items) await entriesOf(item, "", found);
    send(found);
  });
  for (const input of zone.querySelectorAll("input")) {
    input.addEventListener("change", () => chosen(input));
  }
}

// --- clicks -----------------------------------------------------------------------------------

const actions = {
  cite(data) {
    main()?.classList.add("cs-show-source");
    trigger("cite", { turn: Number(data.turn), index: Number(data.index) });
    requestAnimationFrame(() => window.citespanShowQuote?.());
  },
  example(data, button) {
    button.disabled = true;
    window.citespanAsk(data.text);
    trigger("example", { text: data.text, chosen: window.citespanChosen() });
  },
  open(data) { trigger("open", { name: data.name }); },
  show(data, button) {
    showView("ask");
    main()?.classList.add("cs-show-source");
    trigger("show", { name: data.name, library: libraryOf(button.closest(".cs-shelf")) });
  },
  save(data) { trigger("save", { format: data.format }); },
  restart() { trigger("restart", {}); },
  resume(data) { trigger("resume", { identity: data.identity }); },
  right(data) { trigger("verdict", { turn: Number(data.turn), word: "right" }); },
  unanswerable(data) { trigger("verdict", { turn: Number(data.turn), word: "unanswerable" }); },
  view(data) { showView(data.view); },
  files() { element.querySelector("[data-files]").click(); },
  folder() { element.querySelector("[data-folder]").click(); },
  resync() { trigger("resync", {}); },
  page(data) { trigger("turn", { number: Number(data.number) }); },
  text() { trigger("plain", {}); },
  back() { main()?.classList.remove("cs-show-source"); },
  theme: toggleTheme,
};

function better(button) {
  const field = button.closest(".cs-better").querySelector("input");
  if (!field.value.trim()) { field.focus(); return; }
  trigger("verdict", { turn: Number(button.dataset.turn), word: "better", better: field.value });
}

element.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && element.querySelector(".cs-scope[open]");
  if (open) {
    open.removeAttribute("open");
    open.querySelector("summary").focus();
  }
  const form = event.key === "Enter" && event.target.matches("input")
    ? event.target.closest(".cs-better, .cs-make") : null;
  if (!form) return;
  event.preventDefault();
  form.querySelector("[data-action=better], [data-action=make]").click();
});

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-action]");
  if (!button || !element.contains(button)) return;
  if (button.dataset.action === "copy") copy(button);
  else if (button.dataset.action === "remove") remove(button);
  else if (button.dataset.action === "better") better(button);
  else if (button.dataset.action === "forget") forget(button);
  else if (button.dataset.action === "make") make(button);
  else actions[button.dataset.action]?.(button.dataset, button);
});

if (element.querySelector(".cs-theme")) {
  let kept = null;
  try { kept = localStorage.getItem("citespan-theme"); } catch { /* private mode */ }
  if (kept) body.classList.toggle("dark", kept === "dark");
}

if (element.querySelector(".cs-document")) window.citespanShowQuote = showQuote;

const seen = { turns: 0, answered: true };
let shown = element.querySelector("[data-key]")?.dataset.key;
watch("value", () => {
  const key = element.querySelector("[data-key]")?.dataset.key;
  if (element.closest("#cs-conversation")) {
    remember(element.querySelector("[data-conversation]")?.dataset.conversation ?? "");
    const turns = element.querySelectorAll(".cs-turn").length;
    const answered = !element.querySelector(".cs-stage");
    // A verdict or another citation must not move what is being read.
    if (turns !== seen.turns || answered !== seen.answered) scrollToEnd();
    Object.assign(seen, { turns, answered });
  }
  else if (element.querySelector(".cs-libraries")) {
    const { current } = element.querySelector(".cs-libraries").dataset;
    rememberLibrary(current);
    for (const line of document.querySelectorAll(".cs-uploads li")) {
      if (line.dataset.library !== current) line.remove();
    }
  } else if (element.querySelector(".cs-scope")) {
    for (const input of element.querySelectorAll(".cs-scope input")) input.checked = false;
    nameChosen();
  } else if (element.querySelector(".cs-nav")) showView(window.citespanView || "ask");
  else if (element.querySelector("[data-batch]")) {
    // The list says from here on what becomes of these files.
    const { batch } = element.querySelector("[data-batch]").dataset;
    for (const line of document.querySelectorAll(`.cs-uploads [data-batch="${batch}"]`)) {
      if (line.className !== "cs-failed") line.remove();
    }
  } else if (key !== shown) { shown = key; showQuote(); }
});
