import { drawHoverFigure } from "./draw.ts";
import { escapeText } from "./escape.ts";
import type { Figure, Size } from "./figure.ts";
import { hoverScript, hoverStyle } from "./hover-script.ts";
import { themeOf } from "./theme.ts";

/** A page that stands alone: nothing is fetched, and without scripts it shows the same. `parts` are HTML. */
export const page = (title: string, parts: readonly string[]): string =>
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeText(title)}</title>
<style>${themeOf(":root")}${pageStyle}${hoverStyle}</style>
</head>
<body>
<h1>${escapeText(title)}</h1>
${parts.join("\n")}
${parts.some((part) => part.includes("data-hover=")) ? `<script>${hoverScript}</script>\n` : ""}</body>
</html>
`;

const pageStyle = `:root{color-scheme:light dark}
body{margin:1.5rem auto;max-width:1240px;padding:0 1rem;background:var(--page);font:15px/1.45 system-ui,sans-serif}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}h3{font-size:1rem;margin:1.2rem 0 .3rem}
pre,code{font:13px/1.4 ui-monospace,monospace}pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:.6rem;border:1px solid var(--faint)}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,360px),1fr));gap:1rem}
.pairs{max-width:840px}.figures svg{width:100%;height:auto}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px}
th,td{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--faint)}
td{overflow-wrap:anywhere;min-width:3.5rem}td.right{min-width:0}
th.right,td.right{text-align:right;font-variant-numeric:tabular-nums}
@media(max-width:760px){.cards thead{display:none}.cards tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--faint)}
.cards td{display:block;border:0;padding:0;text-align:left}.cards td:empty{display:none}.cards td::before{content:attr(data-head) ": ";opacity:.75}}
.picture{max-height:80vh;overflow:auto;margin:.5rem 0}
.beside{display:grid;grid-template-columns:minmax(0,auto) minmax(0,1fr);gap:1.5rem}@media(max-width:1000px){.beside{grid-template-columns:minmax(0,1fr)}}
details{margin:.4rem 0}summary{cursor:pointer}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:0}dt{opacity:.75}dd{margin:0}`;

export const heading = (text: string): string => `<h2>${escapeText(text)}</h2>`;
export const subheading = (text: string): string => `<h3>${escapeText(text)}</h3>`;
export const paragraph = (text: string): string => `<p>${escapeText(text)}</p>`;
export const preformatted = (text: string): string => `<pre><code>${escapeText(text)}</code></pre>`;
export const commandLine = (text: string): string => preformatted(`$ ${text}`);

/** Figures beside each other, as many as there is room for: one on a phone, three on a desk. */
export const figures = (list: readonly Figure[], size: Size = { width: 400, height: 270 }): string =>
  `<div class="figures">${list.map((figure) => drawHoverFigure(figure, size)).join("\n")}</div>`;

/** Figures that belong together by two. */
export const pairs = (list: readonly Figure[]): string => `<div class="pairs">${figures(list)}</div>`;

/**
 * A drawing as `lmg draw` makes it, beside the table of what it shows; nothing where there is none. It has a style sheet of its
 * own, which a shadow root keeps from the page.
 */
const pictureOf = (svg: string | undefined): readonly string[] =>
  svg === undefined
    ? []
    : [
        `<div class="picture"><template shadowrootmode="open"><style>svg{max-width:100%;height:auto}</style>` +
          `${svg.replace(/^<\?xml[^>]*>\s*/, "")}</template></div>`,
      ];

/** A drawing, if there is one, at the left of what is told of it; above it where there is little room. */
export const beside = (svg: string | undefined, content: string): string =>
  svg === undefined ? content : `<div class="beside">${pictureOf(svg).join("")}<div>${content}</div></div>`;

/** A part that is open when its summary is chosen. */
export const folded = (summary: string, content: string): string =>
  `<details><summary>${escapeText(summary)}</summary>${content}</details>`;

/** Names and what they are. */
export const definitions = (pairs: readonly (readonly [name: string, value: string])[]): string =>
  `<dl>${pairs.map(([name, value]) => `<dt>${escapeText(name)}</dt><dd>${escapeText(value)}</dd>`).join("")}</dl>`;

/** A table that scrolls sideways where it is too wide; with `cards` its rows are lists where there is little room. Columns in `right` hold numbers; a line break in a cell is kept. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
  { cards = false }: { readonly cards?: boolean } = {},
): string {
  const headOf = (column: number): string => (cards ? ` data-head="${escapeText(heads[column] ?? "")}"` : "");
  const cell = (tag: "th" | "td", text: string, column: number): string =>
    `<${tag}${right.includes(column) ? ' class="right"' : ""}${tag === "td" ? headOf(column) : ""}>${escapeText(text).replaceAll("\n", "<br>")}</${tag}>`;
  const row = (tag: "th" | "td", texts: readonly string[]): string =>
    `<tr>${texts.map((text, column) => cell(tag, text, column)).join("")}</tr>`;
  return `<div class="wide${cards ? " cards" : ""}"><table><thead>${row("th", heads)}</thead><tbody>${rows.map((texts) => row("td", texts)).join("\n")}</tbody></table></div>`;
}
