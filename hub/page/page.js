// The button appears only where it can do something: browsers give pages the clipboard over
// HTTPS and on this machine.
(() => {
  const address = document.getElementById("hub-url");
  const button = document.getElementById("copy-url");
  const said = document.getElementById("copy-said");
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(address.textContent);
      said.textContent = "Copied to the clipboard.";
    } catch {
      getSelection().selectAllChildren(address);
      said.textContent = "The browser refused. The URL is selected: copy it from there.";
    }
  });
})();
