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

/** Of text, and of the lines of a grid: in light, and in dark. */
const TEXT = ["#1f2328", "#e6edf3"] as const;
const FAINT = ["#d5d9de", "#3d444d"] as const;

const named = (colors: readonly string[], faint: string): Readonly<Record<string, string>> =>
  Object.fromEntries([
    ...colors.map((color, index) => [`tone-${index}`, color] as const),
    ["faint", faint] as const,
  ]);

const lightColors = named(light, FAINT[0]);
const darkColors = named(dark, FAINT[1]);

const variables = (colors: Readonly<Record<string, string>>, text: string, page: string): string =>
  Object.entries({ ...colors, text, page })
    .map(([name, color]) => `--${name}:${color}`)
    .join(";");

const lightVariables = variables(lightColors, TEXT[0], "#ffffff");
const darkVariables = variables(darkColors, TEXT[1], "#0d1117");

/** The colours as variables of a selector, by what the reader's system prefers. */
export const themeOf = (selector: string): string =>
  `${selector}{${lightVariables};color:var(--text)}` +
  `@media(prefers-color-scheme:dark){${selector}{${darkVariables}}}`;

/**
 * A drawing that shows its colours in viewers without CSS variables too: those of light as attributes, of which a style sheet
 * makes those of dark where the reader's system prefers them.
 */
export function withOwnColors(svg: string): { readonly svg: string; readonly style: string } {
  const painted = svg.replace(
    /(stroke|fill)="var\(--(tone-\d|faint)\)"/g,
    (_, what: string, name: string) => `class="${what}-${name}" ${what}="${lightColors[name]!}"`,
  );
  const rules = Object.entries(darkColors).flatMap(([name, color]) =>
    ["stroke", "fill"].map((what) => `.${what}-${name}{${what}:${color}}`),
  );
  return {
    svg: painted,
    style: `svg{color:${TEXT[0]}}@media(prefers-color-scheme:dark){svg{color:${TEXT[1]}}${rules.join("")}}`,
  };
}
