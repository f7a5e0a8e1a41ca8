// A conversation as Markdown, and a canvas as a picture. Pure.
import { band, figures, progress, texts } from "../wire.js";
import { apart, visible } from "./folded.js";
import { shown } from "./state.js";

/** All that was said, as a document. */
export function markdownOf(state) {
  const parts = state.turns.flatMap((turn) => {
    const runs = shown(state, turn);
    return [`**You:** ${turn.asked}\n`, ...runs.map((run) => `**${run.start ? run.start.model.name : "model"}${runs.length > 1 ? ` (${run.side})` : ""}:** ${run.text}\n`)];
  });
  return parts.join("\n");
}

const escaped = (text) => text.replace(/[&<>"']/g, (it) => `&#${it.charCodeAt(0)};`).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd");

const COLUMNS = 64, CELL = 9.6, LINE = 30, PAD = 36;

/** Breaks tokens into rows of at most `COLUMNS` characters; a token wider than a row is cut. */
export function rows(pieces) {
  const all = [[]];
  let used = 0;
  const row = () => { all.push([]); used = 0; };
  for (const piece of pieces) {
    piece.text.split("\n").forEach((line, at) => {
      if (at) row();
      let rest = [...line];
      if (used && used + rest.length > COLUMNS) {
        row();
        while (rest[0] === " ") rest.shift();
      }
      while (rest.length) {
        const part = rest.splice(0, COLUMNS - used);
        all[all.length - 1].push({ ...piece, text: part.join(""), at: used });
        used += part.length;
        if (rest.length) row();
      }
    });
  }
  return all;
}

/** The canvas of a run at its step. `colours`: by role. */
export function svgOf(run, asked, colours) {
  const now = apart(run, run.at), { from, end } = visible(run, now), shownTexts = texts(now.cells), { state } = now;
  const pieces = [];
  for (let at = from; at < end; at++) {
    const cell = now.cells[at];
    if (cell.mark !== "masked" && cell.piece.special) continue;
    const role = cell.mark === "masked" ? "mask" : cell.mark === "given" ? "given" : band(cell.confidence);
    pieces.push({ role, text: cell.mark === "masked" ? "  " : shownTexts[at] });
  }
  const lines = rows(pieces), width = COLUMNS * CELL + 2 * PAD, top = 112, height = top + lines.length * LINE + 64;
  const text = (x, y, role, said, more = "") => `<text x="${x.toFixed(1)}" y="${y}" fill="${colours[role]}"${more}>${escaped(said)}</text>`;
  const body = lines.flatMap((row, line) => row.map((piece) => {
    const x = PAD + piece.at * CELL, y = top + line * LINE, wide = [...piece.text].length * CELL;
    if (piece.role === "mask") return `<rect x="${(x + 1.5).toFixed(1)}" y="${y - 15}" width="${(wide - 3).toFixed(1)}" height="19" rx="4" fill="${colours.mask}" opacity=".5"/>`;
    return piece.text.trim() ? text(x, y, piece.role, piece.text, ` textLength="${wide.toFixed(1)}" xml:space="preserve"`) : "";
  }));
  const question = [...asked.replace(/\s+/g, " ")], title = question.length > 60 ? `${question.slice(0, 59).join("")}…` : question.join("");
  const foot = [run.start.model.name, progress(state), ...figures(now)].filter(Boolean).join(" · ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width.toFixed(0)} ${height}" width="${width.toFixed(0)}" height="${height}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="16">`
    + `<title>${escaped(title)}</title><rect width="100%" height="100%" rx="14" fill="${colours.ground}"/><rect x=".5" y=".5" width="${(width - 1).toFixed(0)}" height="${height - 1}" rx="14" fill="none" stroke="${colours.line}"/>`
    + text(PAD, 50, "muted", title, ' font-size="15"') + `<path d="M${PAD} 72H${(width - PAD).toFixed(0)}" stroke="${colours.line}"/>` + body.join("")
    + text(PAD, height - 26, "muted", foot, ' font-size="13"') + `<text x="${(width - PAD).toFixed(0)}" y="${height - 26}" text-anchor="end" fill="${colours.accent}" font-size="13" font-weight="700">unmask</text></svg>\n`;
}
