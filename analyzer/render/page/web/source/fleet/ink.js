// Colours for canvases: what a variable is, in light or dark.

/** @param {HTMLElement} place  where it is asked @param {string} name  such as --c0 */
export function ink(place, name) {
  const before = place.style.color;
  place.style.color = `var(${name})`;
  const found = getComputedStyle(place).color;
  place.style.color = before;
  return found;
}
