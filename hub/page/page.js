// The button is shown only if the clipboard is available, which browsers allow over HTTPS and on
// localhost.
(() => {
  const address = document.getElementById("hub-url");
  const button = document.getElementById("copy-url");
  const said = document.getElementById("copy-said");
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(address.textContent);
      said.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(address);
      said.textContent = "Copying failed. The URL is selected: press Ctrl+C.";
    }
  });
})();
