// Light or dark: what the system says, until it is asked for otherwise.

export function theme(page) {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  document.getElementById("theme").addEventListener("click", () => {
    const now = root.dataset.theme ?? (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    page.state.again("theme"); // canvases draw anew
  });
}
