/** The page's elements, and its theme. */
import type { Theme } from "../palette.ts";

/** The element of an id; throws where the page has none. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no element #${id}`);
  return found;
}

export function canvasOf(id: string): HTMLCanvasElement {
  const found = byId(id);
  if (!(found instanceof HTMLCanvasElement)) throw new Error(`#${id} is no canvas`);
  return found;
}

export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser draws on no canvas");
  return context;
}

/** A new element; what it says is only ever text. */
export function element(tag: string, text = "", className = ""): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className !== "") made.className = className;
  return made;
}

export function button(text = "", className = ""): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  if (className !== "") made.className = className;
  return made;
}

const prefersDark = matchMedia("(prefers-color-scheme: dark)");

/** The one that was chosen, else the system's. */
export function theme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "dark" || chosen === "light") return chosen;
  return prefersDark.matches ? "dark" : "light";
}

export function otherTheme(): Theme {
  return theme() === "dark" ? "light" : "dark";
}

/** Calls when the system's theme changes. */
export function onTheme(changed: () => void): void {
  prefersDark.addEventListener("change", changed);
}

/** The value of a variable of the style sheet. */
export function styleOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function place(at: HTMLElement, x: number, y: number, width: number, height: number): void {
  Object.assign(at.style, {
    left: `${x}px`,
    top: `${y}px`,
    width: `${width}px`,
    height: `${height}px`,
  });
}
