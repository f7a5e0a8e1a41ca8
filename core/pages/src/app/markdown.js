// Markdown to a tree of plain objects, of which the view makes nodes: no text of an answer ever becomes HTML. Pure.
// Links are kept if they lead to the web; images stand as their descriptions.

/** @typedef {{tag:string, href?:string, children:(Node|string)[]}} Node */

const INLINE = /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)|!\[([^\]]*)\]\([^)\s]*\)|\[([^\]]+)\]\((https?:\/\/[^)\s]+)\)|\*\*(?=\S)([\s\S]*?\S)\*\*|\*(?=\S)([^*]*?\S)\*|(?<![\w])_(?=\S)([^_]*?\S)_(?!\w)|\\([\\`*_{}[\]()#+\-.!|>~])/;

/** @returns {(Node|string)[]} */
export function inline(text) {
  const parts = [];
  let rest = text;
  for (;;) {
    const hit = INLINE.exec(rest);
    if (!hit) break;
    if (hit.index) parts.push(rest.slice(0, hit.index));
    const [whole, , code, image, label, href, strong, star, low, escaped] = hit;
    if (code !== undefined) parts.push({ tag: "code", children: [code.trim() || code] });
    else if (image !== undefined) parts.push(image ? `[${image}]` : "");
    else if (label !== undefined) parts.push({ tag: "a", href, children: inline(label) });
    else if (strong !== undefined) parts.push({ tag: "strong", children: inline(strong) });
    else if (star !== undefined || low !== undefined) parts.push({ tag: "em", children: inline(star ?? low) });
    else parts.push(escaped);
    rest = rest.slice(hit.index + whole.length);
  }
  if (rest) parts.push(rest);
  return parts;
}

const ITEM = /^(\s*)(?:([-*+])|(\d{1,9})[.)])\s+(.*)$/;

/** @param {string} text @returns {Node[]} */
export function markdown(text) {
  const lines = text.replaceAll("\r\n", "\n").split("\n"), blocks = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    const fence = /^\s{0,3}(`{3,}|~{3,})/.exec(line), heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    if (!line.trim()) at += 1;
    else if (fence) {
      const body = [];
      for (at += 1; at < lines.length && !lines[at].trim().startsWith(fence[1]); at++) body.push(lines[at]);
      at += 1;
      blocks.push({ tag: "pre", children: [{ tag: "code", children: [body.join("\n")] }] });
    } else if (heading) {
      blocks.push({ tag: `h${Math.min(6, heading[1].length + 2)}`, children: inline(heading[2]) });
      at += 1;
    } else if (/^\s{0,3}([-*_])(\s*\1){2,}\s*$/.test(line)) {
      blocks.push({ tag: "hr", children: [] });
      at += 1;
    } else if (line.startsWith(">")) {
      const body = [];
      while (at < lines.length && lines[at].startsWith(">")) body.push(lines[at++].replace(/^> ?/, ""));
      blocks.push({ tag: "blockquote", children: markdown(body.join("\n")) });
    } else if (ITEM.test(line)) at = list(lines, at, blocks);
    else if (line.includes("|") && /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[at + 1] || "")) at = table(lines, at, blocks);
    else {
      const body = [];
      while (at < lines.length && lines[at].trim() && !/^(\s{0,3}(`{3,}|~{3,})|#{1,6}\s|>)/.test(lines[at]) && !(body.length && ITEM.test(lines[at]))) body.push(lines[at++].trim());
      blocks.push({ tag: "p", children: inline(body.join("\n")) });
    }
  }
  return blocks;
}

/** One list with all that is indented under its items. Returns the line behind it. */
function list(lines, from, blocks) {
  const isOrdered = ITEM.exec(lines[from])[3] !== undefined, indent = ITEM.exec(lines[from])[1].length;
  const items = [];
  let at = from;
  while (at < lines.length) {
    const item = ITEM.exec(lines[at]);
    if (item && item[1].length <= indent) {
      if ((item[3] !== undefined) !== isOrdered || item[1].length < indent) break;
      items.push([item[4]]);
    } else if (lines[at].trim() && /^\s/.test(lines[at])) items[items.length - 1].push(lines[at].slice(Math.min(indent + 2, lines[at].search(/\S/))));
    else if (!lines[at].trim() && /^\s+\S/.test(lines[at + 1] || "")) items[items.length - 1].push("");
    else break;
    at += 1;
  }
  const children = items.map((body) => {
    const inner = markdown(body.join("\n"));
    return { tag: "li", children: inner.length && inner[0].tag === "p" ? [...inner[0].children, ...inner.slice(1)] : inner };
  });
  blocks.push({ tag: isOrdered ? "ol" : "ul", children });
  return at;
}

function table(lines, from, blocks) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((it) => inline(it.trim()));
  const row = (line, tag) => ({ tag: "tr", children: cells(line).map((children) => ({ tag, children })) });
  const head = { tag: "thead", children: [row(lines[from], "th")] }, body = [];
  let at = from + 2;
  while (at < lines.length && lines[at].includes("|")) body.push(row(lines[at++], "td"));
  blocks.push({ tag: "table", children: [head, { tag: "tbody", children: body }] });
  return at;
}
