// What every page is framed by: its views, each made when it comes near the screen, and the way to them.
import { h } from "./elements.js";
import { has, part } from "./parts.js";

/**
 * @typedef {object} View
 * @property {string} id  in the page's address and navigation
 * @property {string} title  a few words
 * @property {string} lead  the question that it answers, as a sentence
 * @property {string[]} [parts]  parts of the file without which there is nothing to see
 * @property {(section: HTMLElement, page: any) => (void|Promise<void>)} mount
 */

export class Frame {
  part(name) {
    return part(name);
  }

  has(name) {
    return has(name);
  }

  /** @param {View[]} views */
  show(views) {
    const main = document.querySelector("main");
    const nav = document.querySelector("nav ul");
    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) target.dispatchEvent(new Event("near"));
    }, { rootMargin: "50%" });
    for (const view of views) {
      if (!(view.parts ?? []).every(has)) continue;
      const body = h("div", { class: "view" });
      const section = h("section", { id: view.id, "aria-labelledby": `${view.id}-title` },
        h("h2", { id: `${view.id}-title`, tabindex: -1 }, view.title), h("p", { class: "lead" }, view.lead), body);
      section.addEventListener("near", () => this.#mount(view, section, body), { once: true });
      main.append(section);
      nav.append(h("li", {}, h("a", { href: `#${view.id}`, onclick: (event) => this.#go(event, section) }, view.title)));
      near.observe(section);
    }
    this.#follow(main, nav);
    // Printed, everything is there.
    addEventListener("beforeprint", () => {
      for (const section of main.querySelectorAll("section")) section.dispatchEvent(new Event("near"));
    });
  }

  /** The navigation says which view is on the screen. */
  #follow(main, nav) {
    const seen = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        for (const link of nav.querySelectorAll("a")) {
          if (link.hash === `#${target.id}`) link.setAttribute("aria-current", "true");
          else link.removeAttribute("aria-current");
        }
      }
    }, { rootMargin: "-20% 0px -75% 0px" });
    for (const section of main.querySelectorAll("section")) seen.observe(section);
  }

  /** A place in the page, without taking the choices out of the address. */
  #go(event, section) {
    event.preventDefault();
    section.dispatchEvent(new Event("near"));
    section.scrollIntoView();
    section.querySelector("h2").focus({ preventScroll: true });
  }

  async #mount(view, section, body) {
    section.dataset.state = "mounting";
    await view.mount(body, this);
    section.dataset.state = "mounted"; // what a test waits for
  }
}
