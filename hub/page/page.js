// Everything works without this script. It adds copying, filters, times in words, and the live status.
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (id) => document.getElementById(id);

  // Copy buttons are shown only if the clipboard is available, which browsers allow over HTTPS and on
  // localhost.
  const said = one("said");
  if (navigator.clipboard) {
    let quiet;
    for (const button of all("[data-copy]")) {
      button.hidden = false;
      button.addEventListener("click", async () => {
        const text = one(button.dataset.copy);
        try {
          await navigator.clipboard.writeText(text.textContent);
          said.textContent = "Copied.";
        } catch {
          getSelection().selectAllChildren(text);
          said.textContent = "Copying failed. The text is selected: press Ctrl+C.";
        }
        clearTimeout(quiet);
        quiet = setTimeout(() => { said.textContent = ""; }, 5000);
      });
    }
  }

  // Times in words; the exact time stays as the title.
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const tell = (time) => {
    const at = new Date(time.dateTime);
    const seconds = (at - Date.now()) / 1000;
    const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? units[3];
    time.title = at.toLocaleString();
    time.textContent = words.format(Math.trunc(seconds / length), unit);
  };
  const tellAll = () => all("time").forEach(tell);
  const timeOf = (text) => {
    const time = document.createElement("time");
    time.dateTime = text;
    tell(time);
    return time;
  };
  tellAll();

  // Filters
  const filters = one("filters");
  if (filters) {
    filters.hidden = false;
    const text = one("filter-text");
    const choices = [["category", one("filter-category")], ["types", one("filter-types")], ["formats", one("filter-formats")]];
    const rows = all(".row").map((row) => ({ row, text: `${row.textContent} ${row.dataset.text ?? ""}`.toLowerCase() }));
    const groups = all("details.group").map((group) => ({ group, open: group.open }));
    let active = false;
    // An integration without formats accepts all of them.
    const fits = (row, name, value) => {
      const has = row.dataset[name];
      return !value || (name === "category" ? has === value : `|${has}`.includes(`|${value}|`) || (name === "formats" && has === ""));
    };
    const apply = () => {
      const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      const filtering = words.length > 0 || choices.some(([, choice]) => choice.value);
      let found = 0;
      for (const { row, text } of rows) {
        row.hidden = !words.every((word) => text.includes(word)) || !choices.every(([name, choice]) => fits(row, name, choice.value));
        if (!row.hidden) found++;
      }
      for (const state of groups) {
        if (filtering && !active) state.open = state.group.open;
        state.group.hidden = filtering && !state.group.querySelector(".row:not([hidden])");
        state.group.open = filtering ? !state.group.hidden : (active ? state.open : state.group.open);
      }
      for (const title of all("details.group > h3")) title.hidden = !title.nextElementSibling.querySelector(".row:not([hidden])");
      active = filtering;
      one("filter-count").textContent = filtering ? `${found} of ${rows.length} integrations` : "";
    };
    const reset = () => {
      text.value = "";
      for (const [, choice] of choices) choice.value = "";
      apply();
    };
    for (const field of [text, ...choices.map(([, choice]) => choice)]) field.addEventListener("input", apply);
    one("filter-reset").addEventListener("click", () => { reset(); text.focus(); });
    text.addEventListener("keydown", (e) => { if (e.key === "Escape") reset(); });
    // The slash leads to the search. It must not be typed there, so the focus moves when it is released.
    const slash = (e) => e.key === "/" && !e.ctrlKey && !e.metaKey && !e.altKey && !e.target.closest("input, select, textarea");
    document.addEventListener("keydown", (e) => { if (slash(e)) e.preventDefault(); });
    document.addEventListener("keyup", (e) => { if (slash(e)) text.focus(); });
    apply(); // browsers restore values of fields when a reader comes back
  }

  // Live status. It is asked for every ten seconds, less often after failures, and not in hidden tabs.
  const source = document.body.dataset.status;
  if (!source) return;
  const interval = 10_000;
  const longest = 300_000;
  let wait = interval;
  let timer;
  let asking = false;
  const states = { ready: "Running", draining: "Draining", not_ready: "Not ready" };
  const badge = document.querySelector("[data-state]");
  const summary = (element, outcomes) => {
    let delivered = 0, failed = 0, last;
    for (const o of outcomes) {
      if (o.outcome === "delivered") delivered += o.count; else failed += o.count;
      if (!last || o.last > last.last) last = o;
    }
    if (!last) return;
    const bad = last.outcome !== "delivered";
    element.className = `last ${bad ? "bad" : "good"}`;
    element.replaceChildren(`${delivered} delivered${failed ? `, ${failed} failed` : ""}, ${bad ? "last failed" : "last"} `, timeOf(last.last));
  };
  const cell = (...content) => {
    const td = document.createElement("td");
    td.append(...content);
    return td;
  };
  const code = (text) => {
    const element = document.createElement("code");
    element.textContent = text;
    return element;
  };
  const show = (live) => {
    if (badge && badge.lastElementChild.textContent !== states[live.state]) {
      badge.className = `badge ${live.state}`;
      badge.lastElementChild.textContent = states[live.state];
      said.textContent = `The hub is ${states[live.state].toLowerCase()}.`;
    }
    for (const field of all("[data-field]")) field.textContent = live[field.dataset.field];
    for (const certificate of all("[data-certificate]")) {
      if (live.certificate_not_after) certificate.replaceChildren(timeOf(live.certificate_not_after));
      certificate.classList.toggle("bad", Boolean(live.certificate_expires_soon));
    }
    for (const started of all("[data-started]")) started.replaceChildren(timeOf(live.started));
    for (const pod of all("[data-pod]")) if (live.pod) pod.replaceChildren("pod ", code(live.pod));
    for (const row of all("[data-last]")) summary(row, live.deliveries[row.dataset.last] ?? []);
    for (const table of all("[data-outcomes]")) {
      const outcomes = [...(live.deliveries[table.dataset.outcomes] ?? [])].sort((a, b) => (a.last < b.last ? 1 : -1));
      if (outcomes.length === 0) continue;
      table.tBodies[0].replaceChildren(...outcomes.map((o) => {
        const row = document.createElement("tr");
        row.append(cell(code(o.outcome)), cell(o.count), cell(timeOf(o.last)));
        return row;
      }));
    }
    tellAll();
  };
  const note = (text) => { const poll = one("poll"); if (poll) poll.textContent = text; };
  const ask = async () => {
    clearTimeout(timer);
    if (document.hidden || asking) return;
    asking = true;
    try {
      const answer = await fetch(source, { signal: AbortSignal.timeout(interval), credentials: "same-origin" });
      if (answer.status === 403) {
        note("You are signed out: reload the page.");
        return;
      }
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      show(await answer.json());
      note("");
      wait = interval;
    } catch {
      note("The hub is not responding; the numbers may be outdated.");
      wait = Math.min(wait * 2, longest);
    } finally {
      asking = false;
    }
    timer = setTimeout(ask, wait);
  };
  document.addEventListener("visibilitychange", ask);
  timer = setTimeout(ask, interval);
})();
