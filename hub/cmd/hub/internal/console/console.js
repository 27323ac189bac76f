// What needs a script: filtering the list, requesting an interactive form again, and watching a delivery
// or a sign-in. Without it, buttons do the same.
"use strict";

const filter = document.getElementById("filter");
if (filter) {
  const rows = [...document.querySelectorAll(".row")];
  const count = document.getElementById("filter-count");
  filter.closest("[hidden]").hidden = false;
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    for (const row of rows) row.hidden = !words.every((w) => row.textContent.toLowerCase().includes(w));
    const shown = rows.filter((r) => !r.hidden).length;
    count.textContent = filter.value ? `${shown} of ${rows.length} integrations` : "";
  });
}

const deliver = document.getElementById("deliver");
if (deliver) {
  for (const field of deliver.querySelectorAll("[data-interactive]")) {
    field.addEventListener("change", () => {
      document.getElementById("focus").value = field.name.slice("field.".length);
      deliver.requestSubmit(deliver.querySelector("[data-update]"));
    });
  }
  const type = document.getElementById("type");
  const show = () => {
    for (const part of deliver.querySelectorAll("[data-for]")) part.hidden = (part.dataset.for === "cell") !== (type.value === "cell");
  };
  type.addEventListener("change", show);
  show();
  document.getElementById("file").addEventListener("change", () => {
    deliver.querySelector("[name=source][value=file]").checked = true;
  });
}

// A sign-in ends in another tab.
const link = document.querySelector("[data-sign-in]");
if (link) {
  const look = async () => {
    if (document.visibilityState !== "visible") return;
    const response = await fetch(link.dataset.signIn);
    if (response.ok && (await response.json())) location.reload();
  };
  document.addEventListener("visibilitychange", look);
  addEventListener("focus", look);
}

const progress = document.querySelector("[data-running]");
if (progress) {
  const watch = async () => {
    try {
      const response = await fetch(progress.dataset.running);
      const state = await response.json();
      if (!state.running) return location.reload();
      progress.textContent = state.progress;
      setTimeout(watch, 500);
    } catch {
      progress.textContent = "The console has stopped.";
    }
  };
  watch();
}
