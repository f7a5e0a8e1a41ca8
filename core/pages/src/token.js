// A token as both pages show it: its classes, its name, what is said of it, its candidates.
import { band } from "./wire.js";

/** By what tokens are coloured. */
export const COLOURS = ["confidence", "order", "entropy", "none"];

/** An element with a class and a text, which is never read as anything else. */
export const make = (name, kind, text) => Object.assign(document.createElement(name), { className: kind || "", textContent: text || "" });

/** What a token is called. @param {import("./wire.js").Piece} piece */
export const nameOf = (piece) => (piece.text !== null ? piece.text : piece.bytes ? `bytes ${piece.bytes.join(" ")}` : `token ${piece.id}`);

/** A probability for people. */
export const percent = (p) => (p > 0.9995 && p < 1 ? "> 99.9" : p > 0 && p < 0.0005 ? "< 0.1" : (100 * p).toFixed(p > 0.995 || p < 0.01 ? 1 : 0)) + " %";

/** Of six parts of the commits so far, that of this cell: 1 to 6; 0 for none. */
export function rank(cell, state) {
  if (!cell.order || !state.order) return 0;
  return 1 + Math.min(5, Math.floor((6 * (cell.order - 1)) / state.order));
}

/** The classes of a cell, coloured by one of `COLOURS`. */
export function kindOf(cell, state, colours, isMoving) {
  if (cell.mark === "masked") return "token masked";
  const kinds = ["token"];
  if (cell.mark === "given") kinds.push("given");
  else if (colours === "confidence") kinds.push(band(cell.confidence));
  else if (colours === "entropy") kinds.push(cell.entropy > 1.5 ? "low" : cell.entropy > 0.5 ? "middle" : "high");
  else if (colours === "order") kinds.push(`order-${rank(cell, state)}`);
  if (cell.mark === "changed") kinds.push("changed");
  if (isMoving && cell.step === state.step && cell.step > 0) kinds.push("fresh");
  return kinds.join(" ");
}

/** A cell in words: "position 5, Paris, 98 %, step 3". */
export function labelOf(cell, at) {
  if (cell.mark === "masked") return `position ${at}, masked`;
  const how = cell.mark === "given" ? "given" : `${percent(cell.confidence)}, step ${cell.step}`;
  return `position ${at}, ${nameOf(cell.piece).trim()}, ${how}`;
}

/** What there is to say of a cell, as elements. */
export function portrait(cell, at, { textAlone }) {
  const rows = [make("h2", "", cell.mark === "masked" ? "masked" : `“${nameOf(cell.piece).replaceAll("\n", "⏎")}”`)];
  if (textAlone) return cell.step ? [...rows, make("p", "", `came with part ${cell.step}`)] : rows;
  rows.push(make("p", "", `position ${at} · ${cell.kind}${cell.step ? ` · step ${cell.step}` : ""}${cell.order ? ` · commit ${cell.order}` : ""}`));
  if (cell.mark === "committed" || cell.mark === "changed") rows.push(make("p", "", `confidence ${percent(cell.confidence)} · entropy ${cell.entropy.toFixed(3)} nat`));
  if (cell.was) rows.push(make("p", "", `was ${cell.was}`));
  for (const [id, p, text] of cell.top) {
    const row = make("div", "candidate" + (id === cell.piece.id ? " won" : ""));
    const bar = make("span", "bar");
    bar.style.width = `${Math.max(1, 100 * p)}%`;
    const room = make("span");
    room.append(bar);
    row.append(make("code", "", text.replaceAll("\n", "⏎") || `#${id}`), make("span", "", percent(p)), room);
    rows.push(row);
  }
  for (const was of cell.history.slice(0, -1)) rows.push(make("p", "", `step ${was.step}: ${was.kind} ${nameOf(was.piece)} ${percent(was.confidence)}`));
  return rows;
}
