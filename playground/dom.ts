type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** An element with its attributes and what is in it; `true` is an attribute without a value, `false` and undefined are none. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : String(value));
  element.append(...children);
  return element;
}

/** The element of an id, which index.html has. */
export const byId = (id: string): HTMLElement => document.getElementById(id)!;

/** The same where more is asked of it than of any element. */
export function elementOf<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  id: string,
): HTMLElementTagNameMap[K] {
  return document.querySelector(`${tag}#${id}`)!;
}

/** A button with what it does. */
export function button(text: string, act: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const element = make("button", { type: "button", ...attributes }, text);
  element.addEventListener("click", act);
  return element;
}

/** A sentence with `code` in it. */
export const prose = (text: string): readonly Node[] =>
  text
    .split(/`([^`]+)`/)
    .map((part, index) => (index % 2 === 1 ? make("code", {}, part) : document.createTextNode(part)));
