// Where does a model lie, and how is its page made? Addresses that lead somewhere harmless, and a command to copy.

const SITE = "https://huggingface.co";

/**
 * The address of a model: its own page if there is one, else its place on the web.
 * @returns {{href: string, own: boolean}|null} null where it has none; never anything but a page or the web
 */
export function address(page, row) {
  const own = page.models.get("page", row);
  if (own !== null) {
    const found = url(own, document.baseURI);
    return found && found.protocol === location.protocol && own.startsWith(".") ? { href: found.href, own: true } : null;
  }
  const found = url(onTheWeb(page.path(row)));
  if (!found || !["http:", "https:"].includes(found.protocol)) return null;
  found.username = found.password = "";
  return { href: found.href, own: false };
}

function url(text, base) {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}

/** `hf://org/repo@revision/file`, as its site has it; of an archive's member, the archive. */
function onTheWeb(path) {
  const [place] = path.split("::");
  const found = /^hf:\/\/((?:datasets\/|spaces\/)?[^/]+\/[^/@]+)(?:@([^/]+))?\/(.+)$/.exec(place);
  if (!found) return place;
  const [repo, revision, file] = [found[1], decoded(found[2] ?? "main"), found[3]].map((text) => text.split("/").map(encodeURIComponent));
  return `${SITE}/${repo.join("/")}/blob/${revision.join("%2F")}/${file.join("/")}`;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What makes a model's page, for a shell: nothing in a path is anything but text there. */
export function command(path) {
  const word = quoted(path);
  return `cnnscope report ${path.startsWith("-") ? "-- " : ""}${word}`;
}

function quoted(text) {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  // What can't be seen is written as an escape, so that pasting it presses no key.
  const escaped = [...text].map((c) => (c === "'" || c === "\\" ? `\\${c}` : /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(c) ? [...new TextEncoder().encode(c)].map((n) => `\\x${n.toString(16).padStart(2, "0")}`).join("") : c));
  return `$'${escaped.join("")}'`;
}
