import { hues } from "./scene.ts";

/** A colour in light, and one in dark. */
type Tone = readonly [string, string];

const tones = {
  page: ["#ffffff", "#0d1117"],
  ink: ["#1f2328", "#e6edf3"],
  soft: ["#59636e", "#9198a1"],
  edge: ["#c3cad4", "#3d444d"],
  wire: ["#808a98", "#7d8794"],
  line: ["#2f5fd0", "#7aa2ff"],
  frame: ["#f6f8fa", "#151b23"],
  alone: ["#cf222e", "#ff7b72"],
  gain: ["#8250df", "#bc8cff"],
  gainRoom: ["#f1e8ff", "#251a3d"],
  bracket: ["#1a7f37", "#3fb950"],
} as const satisfies Readonly<Record<string, Tone>>;

/** Of a box its ground and its border. */
const boxes: Readonly<Record<(typeof hues)[number], readonly [Tone, Tone]>> = {
  attention: [
    ["#ddf0ff", "#132a4a"],
    ["#3b82d6", "#5b93df"],
  ],
  linear: [
    ["#dff5e6", "#12301e"],
    ["#2f9a5a", "#4aa06b"],
  ],
  norm: [
    ["#fff4d6", "#2d2410"],
    ["#b07d16", "#c99a2e"],
  ],
  table: [
    ["#e9edf3", "#222a36"],
    ["#a3adba", "#566171"],
  ],
  other: [
    ["#ffffff", "#0d1117"],
    ["#a3adba", "#566171"],
  ],
};

type Rule = readonly [selector: string, property: "fill" | "stroke", tone: Tone];

const rules: readonly Rule[] = [
  [".page", "fill", tones.page],
  ["text", "fill", tones.ink],
  [".soft", "fill", tones.soft],
  ...hues.flatMap((hue): readonly Rule[] => [
    [`.${hue} rect`, "fill", boxes[hue][0]],
    [`.${hue} rect`, "stroke", boxes[hue][1]],
  ]),
  [".pill rect", "fill", boxes.norm[0]],
  [".pill rect", "stroke", boxes.norm[1]],
  [".gain rect", "fill", tones.gainRoom],
  [".gain rect", "stroke", tones.gain],
  [".gain text", "fill", tones.gain],
  [".frame rect", "fill", tones.frame],
  [".frame rect", "stroke", tones.edge],
  [".line", "stroke", tones.line],
  [".dot", "fill", tones.line],
  [".gap", "stroke", tones.page],
  [".wire,.lane", "stroke", tones.wire],
  ["path.head", "fill", tones.wire],
  [".bracket", "stroke", tones.bracket],
  [".join circle", "stroke", tones.line],
  [".join circle", "fill", tones.page],
  [".join path", "stroke", tones.line],
  [".fused circle", "fill", tones.line],
  [".fused path", "stroke", tones.page],
  [".alone circle,.alone path", "stroke", tones.alone],
];

const written = (which: 0 | 1): string =>
  rules
    .map(([selector, property, tone]) => {
      const scoped = selector.split(",").map((one) => `.lmg ${one}`);
      return `${scoped.join(",")}{${property}:${tone[which]}}`;
    })
    .join("");

/** The style sheet of a picture: its forms, its colours in light, and those in dark where the reader's system prefers them. */
export const style = [
  ".lmg{font:12px Helvetica,Arial,'Liberation Sans',sans-serif}",
  ".lmg text{text-anchor:middle}.lmg .start{text-anchor:start}.lmg .end{text-anchor:end}",
  ".lmg .name{font-weight:700}.lmg .type{font:10px ui-monospace,Menlo,Consolas,monospace}.lmg .small{font-size:10px}",
  ".lmg .pill text{font-size:10.5px;font-weight:700}.lmg .gain text{font-size:10.5px}.lmg .tab{font-size:11px}",
  ".lmg path{fill:none;stroke-width:1.5}.lmg .line{stroke-width:3.5;stroke-linecap:round}",
  ".lmg .gap{stroke-width:6;stroke-dasharray:4 3}.lmg .lane{stroke-width:1.2;stroke-dasharray:4 3}.lmg .bracket{stroke-width:2}",
  ".lmg .join circle{stroke-width:2}.lmg .alone circle{stroke-dasharray:3 2}",
  ".lmg [tabindex]:focus-visible rect,.lmg [tabindex]:focus-visible circle,.lmg .on rect,.lmg .on circle{stroke-width:3}",
  written(0),
  `@media(prefers-color-scheme:dark){${written(1)}}`,
].join("");
