import type { Probed, ProbedCase } from "../run/probe/probed.ts";
import type { Size } from "./figure.ts";
import { draw } from "../picture/draw.ts";
import type { Graph } from "../ir/graph.ts";
import {
  beside,
  commandLine,
  definitions,
  figures,
  folded,
  heading,
  page,
  pairs,
  paragraph,
  table,
} from "./html.ts";
import { overviewFigures, trainingFigures, variantFigures } from "./probe-figures.ts";
import { caseName, float32Note, lineWords, resultTexts, withheldNotes } from "./probed.ts";
import { showPoint, showSize } from "./sizes.ts";
import { pictureOfFigures } from "./svg.ts";

/**
 * The report of a probe as one HTML file: curves, what theory says beside them, and every number. `models` are the graphs of the
 * cases as they were lowered, each of which is drawn beside its edges; fewer than cases for none.
 */
export function probeReport(probed: Probed, models: readonly Graph[] = []): string {
  const { title, command, settings, notes, cases } = probed;
  const training = trainingFigures(probed);
  return page(title, [
    commandLine(command),
    ...notes.map(paragraph),
    ...(training.length === 0 ? [] : [heading("Training"), pairs(training), resultTable(cases)]),
    heading("At initialization"),
    pairs(overviewFigures(probed)),
    heading("Activations beside the theory"),
    paragraph(
      "Dots are measured; dashed is the size if what each edge adds had no direction in common with what it carries. It ends where nothing can be derived.",
    ),
    figures(variantFigures(probed, "activation"), small),
    heading("Gradients beside the theory"),
    paragraph(
      "Dots are measured; the lower dashed line is what the carried stream alone passes back, the upper one is for branches that pass gradients back as they pass their input forward. Neither is a bound: softmax, for one, has a gradient of its own.",
    ),
    figures(variantFigures(probed, "gradient"), small),
    heading("Settings"),
    definitions(settings),
    heading("Every edge"),
    ...cases.map((found, index) => {
      const model = models[index];
      const summary = `${caseName(found) || title}: ${found.form}`;
      return folded(summary, beside(model && draw(model), edgeSizes(found)));
    }),
  ]);
}

const small: Size = { width: 400, height: 230 };

/** The curves alone as one SVG, two in a row, for a page that shows pictures. */
export function probePicture(probed: Probed): string {
  const list = [...trainingFigures(probed), ...overviewFigures(probed)];
  return pictureOfFigures(list, 2, { width: 400, height: 260 });
}

/** How each training ended. */
const resultTable = (cases: readonly ProbedCase[]): string =>
  table(
    ["variant", "edges", "steps", "loss at first", "last loss, smoothed", "validation loss", "seconds"],
    cases.flatMap((found) =>
      found.training === undefined
        ? []
        : [[caseName(found), found.form, ...resultTexts(found, found.training)]],
    ),
    [2, 3, 4, 5, 6],
  );

/** Every edge of a case, its sizes beside the lines of theory. */
function edgeSizes(found: ProbedCase): string {
  const { edges } = found;
  const isLost = edges.some(({ inFloat32 }) => inFloat32 !== undefined);
  const isTrained = edges.some(({ after }) => after !== undefined);
  const heads = [
    ...[
      "line",
      "edge",
      "activation RMS",
      lineWords.uncorrelated,
      "gradient norm",
      lineWords.carried,
      lineWords.alike,
    ],
    ...(isLost ? ["activation in float32", "gradient in float32"] : []),
    ...(isTrained ? ["activation after", "gradient after"] : []),
  ];
  const rows = table(
    heads,
    edges.map(({ name, line, before, inFloat32, lines, after }) => [
      line === undefined ? "" : String(line),
      name,
      showSize(before.activation),
      showPoint(lines.uncorrelated),
      showSize(before.gradient),
      showPoint(lines.carried),
      showPoint(lines.alike),
      ...(isLost ? [showSize(inFloat32?.activation), showSize(inFloat32?.gradient)] : []),
      ...(isTrained ? [showSize(after?.activation), showSize(after?.gradient)] : []),
    ]),
    heads.map((_, index) => index).filter((index) => index !== 1),
  );
  return [rows, ...[float32Note(found) ?? [], withheldNotes(found)].flat().map(paragraph)].join("\n");
}
