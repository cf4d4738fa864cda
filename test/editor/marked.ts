import { analyze, type Analysis, type AnalyzeOptions } from "../../src/editor/analyze.ts";

/** A text in which `|` marks the place that is asked of. */
export function marked(
  text: string,
  options: AnalyzeOptions = {},
): { readonly analysis: Analysis; readonly offset: number } {
  const offset = text.indexOf("|");
  if (offset < 0) throw new Error("no place is marked");
  const whole = text.slice(0, offset) + text.slice(offset + 1);
  return { analysis: analyze({ name: "m.lmg", text: whole }, options), offset };
}

/** A small model, its body given. */
export const modelOf = (
  body: string,
): string => `model m(dim = 8, depth: int = 2, act: layer = gelu, place: placement = pre) {
  input x: f32[B, T, dim]
${body}
  output y
}
`;
