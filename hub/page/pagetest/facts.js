// What can be measured of a page as a person meets it. Lists name what is wrong.
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const name = (e) => e.tagName.toLowerCase() + (e.id && "#" + e.id) + (e.className && typeof e.className === "string" ? "." + e.className : "");

  // WCAG 2.2: relative luminance and contrast ratio.
  const rgba = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (color) => {
    const [r, g, b] = rgba(color).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const opaque = (color) => (rgba(color)[3] ?? 1) === 1;
  const ground = (e) => {
    while (e && !opaque(getComputedStyle(e).backgroundColor)) e = e.parentElement;
    return e ? getComputedStyle(e).backgroundColor : "rgb(255, 255, 255)";
  };
  const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);

  const faint = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !e.checkVisibility()) continue;
    const ratio = contrast(luminance(getComputedStyle(e).color), luminance(ground(e)));
    if (!(ratio >= 4.5)) faint.add(`${name(e)} ${ratio.toFixed(2)}`);
  }

  const levels = all("h1, h2, h3, h4, h5, h6").map((h) => Number(h.tagName[1]));
  const ids = all("[id]").map((e) => e.id);
  return {
    language: document.documentElement.lang,
    title: document.title,
    firstHeadings: levels.filter((l) => l === 1).length,
    skippedHeadings: levels.filter((l, i) => l > (levels[i - 1] ?? 0) + 1).length,
    landmarks: all("body > header, body > main, body > footer").map((e) => e.tagName.toLowerCase()),
    unnamedSections: all("section").filter((s) => !document.getElementById(s.getAttribute("aria-labelledby"))?.textContent.trim()).map(name),
    picturesWithoutAlt: all("img:not([alt])").map(name),
    brokenPictures: all("img").filter((i) => !i.complete || i.naturalWidth === 0).map(name),
    doubleIDs: ids.filter((id, i) => ids.indexOf(id) !== i),
    faint: [...faint],
    beyondTheEdge: all("body *").filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5).map(name),
    scrollsSideways: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    dark: luminance(ground(document.body)) < 0.2,
    loaded: performance.getEntriesByType("resource").map((r) => r.name),
    hacked: window.hacked === true,
  };
})();
