// Elements in short form. Text becomes text nodes and nothing else.

const SVG = "http://www.w3.org/2000/svg";

/** An element: properties by name (`class`, `on…`, `aria-…`, `data-…`, else a property), then children.
 * @param {string} tag @param {Record<string, any>} [props] @param {...(Node|string|null|false|undefined)} children @returns {any} */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name.includes("-") || name === "role" || name === "for" || name === "list") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((it) => it !== null && it !== undefined && it !== false));
  return element;
}

const PATHS = {
  send: "M12 19V5M5 12l7-7 7 7", stop: "M7 7h10v10H7z", pause: "M9 6v12M15 6v12", play: "M8 5l11 7-11 7z", back: "M15 6l-6 6 6 6", on: "M9 6l6 6-6 6",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M14 4v6M6 14v6", help: "M9 9a3 3 0 1 1 4.5 2.6c-.9.5-1.5 1.2-1.5 2.4M12 18h.01", look: "M12 3a9 9 0 1 0 0 18z M12 3a9 9 0 0 1 0 18",
  retry: "M4 12a8 8 0 1 0 2.5-5.8M4 4v4.5h4.5", save: "M12 4v11M7 11l5 5 5-5M5 20h14", pin: "M9 4h6l-1 6 3 3H7l3-3zM12 13v7", mask: "M4 8h16v8H4zM8 8v8M12 8v8M16 8v8",
  clear: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13", open: "M12 16V5M7 9l5-5 5 5M5 20h14", close: "M6 6l12 12M18 6L6 18", compare: "M4 5h7v14H4zM13 5h7v14h-7z", scale: "M4 18l5-6 4 3 7-9",
};

/** A small picture, drawn in the colour of the text. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg"), path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A button with a picture, its name told to those who do not see it. */
export const iconButton = (name, label, onclick, props = {}) =>
  h("button", { type: "button", class: "icon-button", title: label, "aria-label": label, onclick, ...props }, icon(name));

/** Writes a text only if it is another one. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Hides or shows. */
export function show(element, isShown) {
  if (element.hidden === isShown) element.hidden = !isShown;
}

/** Replaces children only if `key` is another one than the last time. */
export function redraw(element, key, children) {
  if (element.drawn === key) return;
  element.drawn = key;
  element.replaceChildren(...children().filter(Boolean));
}

/** Whether any of these values is another one than the last time that it was asked for `owner`. */
export function isNew(owner, values) {
  const before = owner.seen;
  owner.seen = values;
  return !before || values.some((it, at) => it !== before[at]);
}

/** Nodes of a Markdown tree. */
export function nodes(tree) {
  return tree.map((it) => {
    if (typeof it === "string") return document.createTextNode(it);
    const props = it.tag === "a" ? { href: it.href, target: "_blank", rel: "noopener noreferrer" } : {};
    return h(it.tag, props, ...nodes(it.children));
  });
}

/** 75 s as `1:15`. */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
