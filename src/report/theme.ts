/**
 * Colours that people with any kind of colour vision can tell apart (Okabe and Ito 2008, darkened on light and lightened on
 * dark until each has a contrast of at least 3 to the page). Curves also carry their names, so none depends on its colour.
 */
const light = ["#0072b2", "#c44e00", "#00805e", "#a8458c", "#856800", "#1f86c4", "#c03028", "#5b5b5b"];
const dark = ["#5ab0f0", "#ff9447", "#36cf9f", "#e79acb", "#e3c341", "#9adcff", "#ff8f85", "#b5b5b5"];

/** How many colours there are. */
export const toneCount = light.length;

/** The colour of a tone, as CSS. */
export const toneColor = (tone: number | "plain"): string =>
  tone === "plain" ? "currentColor" : `var(--tone-${tone % toneCount})`;

const variables = (colors: readonly string[], text: string, page: string, faint: string): string =>
  [
    ...colors.map((color, index) => `--tone-${index}:${color}`),
    `--text:${text}`,
    `--page:${page}`,
    `--faint:${faint}`,
  ].join(";");

const lightVariables = variables(light, "#1f2328", "#ffffff", "#d5d9de");
const darkVariables = variables(dark, "#e6edf3", "#0d1117", "#3d444d");

/** The colours as variables of a selector, by what the reader's system prefers. */
export const themeOf = (selector: string): string =>
  `${selector}{${lightVariables};color:var(--text)}` +
  `@media(prefers-color-scheme:dark){${selector}{${darkVariables}}}`;
