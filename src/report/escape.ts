const entities: { readonly [character: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** A text as the content of an element or of an attribute, in HTML and SVG alike. */
export const escapeText = (text: string): string => text.replace(/[&<>"']/g, (found) => entities[found]!);
