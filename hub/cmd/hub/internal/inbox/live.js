// Loads the list again when something new was delivered.
(async () => {
  "use strict";
  const live = document.getElementById("live");
  live.textContent = "New deliveries appear by themselves.";
  for (;;) {
    try {
      const response = await fetch("deliveries.json?wait=1&after=" + live.dataset.last);
      if (!response.ok) throw new Error(response.statusText);
      if ((await response.json()).length > 0) {
        location.reload();
        return;
      }
    } catch {
      live.textContent = "The hub has stopped.";
      return;
    }
  }
})();
