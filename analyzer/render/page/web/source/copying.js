// What leaves the page: rows as CSV, texts for the clipboard.
import { h } from "./elements.js";

export function csv(lines) {
  return lines.map((line) => line.map(quoted).join(",")).join("\r\n") + "\r\n";
}

/** A CSV cell; one that a spreadsheet would run as a formula is made a text. */
function quoted(value) {
  let text = value === null || value === undefined ? "" : String(value);
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Copy a text; the button that was pressed says so. */
export async function copied(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { class: "hidden", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy"); // where a file may not ask for the clipboard
    area.remove();
  }
  const said = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = said), 1500);
}
