import { caseName, float32Note, lineWords, resultTexts, withheldNotes } from "../../report/probed.ts";
import { showPoint, showSize } from "../../report/sizes.ts";
import type { Probed, ProbedCase, ProbedEdge } from "../../run/probe/probed.ts";
import { plural } from "../../support/text.ts";
import type { Out } from "../out.ts";
import { showTable } from "../table.ts";

/** Edges of a case that are printed, unless all are. */
const SOME = 9;

/** Everything a probe found: a table a case, then how each was trained. */
export function showProbed({ cases, settings, notes }: Probed, all: boolean, out: Out): void {
  for (const [name, value] of settings) out.write(`${name}: ${value}\n`);
  for (const found of cases) out.write(`\n${showCase(found, all, out)}`);
  const trained = cases.flatMap((found) =>
    found.training === undefined ? [] : [[caseName(found), ...resultTexts(found, found.training)]],
  );
  if (trained.length > 0)
    out.write(
      `\n${showTable(["", "steps", "loss at first", "last loss", "validation", "seconds"], trained, [1, 2, 3, 4, 5])}`,
    );
  for (const note of notes) out.write(out.paint.faint(`\n${note}`));
  out.write("\n");
}

function showCase(found: ProbedCase, all: boolean, out: Out): string {
  const { edges, form, loss } = found;
  const title = [out.paint.strong(caseName(found)), form, `loss ${loss.toPrecision(4)}`];
  const shown = all ? edges : spread(edges);
  const isTrained = edges.some(({ after }) => after !== undefined);
  const isLost = edges.some(({ inFloat32 }) => inFloat32 !== undefined);
  const hasLines = edges.some(({ lines }) => lines.carried !== "trained");
  const hasPaths = edges.some(({ paths }) => paths !== undefined);
  const heads = [
    ...[
      "",
      "activation",
      ...(hasLines ? [lineWords.uncorrelated] : ["max |y|", "branch / carried"]),
      "gradient",
    ],
    ...(hasPaths ? ["with attention held", "with branches cut"] : []),
    ...(hasLines ? [lineWords.carried, lineWords.alike] : []),
    ...(isLost ? ["activation f32", "gradient f32"] : []),
    ...(isTrained ? ["activation after", "gradient after"] : []),
  ];
  const rows = shown.map(({ name, before, inFloat32, lines, after, largest, share, paths }) => [
    name,
    showSize(before.activation),
    ...(hasLines ? [showPoint(lines.uncorrelated)] : [showSize(largest), showSize(share)]),
    showSize(before.gradient),
    ...(hasPaths ? [showSize(paths?.held), showSize(paths?.carried)] : []),
    ...(hasLines ? [showPoint(lines.carried), showPoint(lines.alike)] : []),
    ...(isLost ? [showSize(inFloat32?.activation), showSize(inFloat32?.gradient)] : []),
    ...(isTrained ? [showSize(after?.activation), showSize(after?.gradient)] : []),
  ]);
  const notes = [float32Note(found) ?? [], hasLines ? withheldNotes(found) : []].flat();
  const left = edges.length - shown.length;
  return (
    `${title.filter((part) => part !== "").join("  ")}\n` +
    showTable(heads, rows, heads.map((_, index) => index).slice(1)) +
    (left > 0 ? out.paint.faint(`and ${plural(left, "edge")} between them; --all lists every edge\n`) : "") +
    lanesTable(shown) +
    tapsTable(found) +
    notes.map((note) => out.paint.faint(`${note}\n`)).join("")
  );
}

/** The size of each lane, where streams have several. */
function lanesTable(edges: readonly ProbedEdge[]): string {
  const rows = edges.flatMap(({ name, lanes }) =>
    lanes === undefined ? [] : [[name, ...lanes.map(showSize)]],
  );
  const heads = ["", ...(rows[0] ?? []).slice(1).map((_, lane) => `lane ${lane}`)];
  return rows.length === 0 ? "" : `\n${showTable(heads, rows, heads.map((_, index) => index).slice(1))}`;
}

/** What the text names by `as NAME`. */
function tapsTable({ taps }: ProbedCase): string {
  const rows = taps.map(({ name, activation, gradient, largest }) => [
    name,
    showSize(activation),
    showSize(largest),
    showSize(gradient),
  ]);
  return rows.length === 0 ? "" : `\n${showTable(["as", "size", "max |y|", "gradient"], rows, [1, 2, 3])}`;
}

/** The first, the last, and some between at even distances. */
function spread<T>(items: readonly T[]): readonly T[] {
  if (items.length <= SOME) return items;
  const indices = Array.from({ length: SOME }, (_, i) => Math.round((i * (items.length - 1)) / (SOME - 1)));
  return indices.map((index) => items[index]!);
}
