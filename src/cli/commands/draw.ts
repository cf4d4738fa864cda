import { basename, extname } from "node:path";
import { writeFile } from "../../checkpoint/files.ts";
import { explainEdges } from "../../passes/explain.ts";
import { draw } from "../../picture/draw.ts";
import { everyLabel } from "../../picture/labels.ts";
import { nearest, plural } from "../../support/text.ts";
import type { Command } from "../command.ts";
import { loadModel } from "../load.ts";
import { showBytes } from "../numbers.ts";
import { openPlace, stdinOption, type StdinOptions } from "../places.ts";
import {
  modelOptions,
  modelOrRunArgument,
  outputOption,
  passOptions,
  STDIN,
  type ModelOptions,
} from "../source.ts";
import { orStop, stop } from "../stop.ts";

interface DrawCommandOptions extends ModelOptions, StdinOptions {
  readonly open?: readonly string[];
  readonly out?: string;
}

export const command: Command = {
  arguments: [modelOrRunArgument],
  options: [
    ...modelOptions,
    outputOption,
    {
      flags: "--open <call>",
      description:
        "a label or a name of calls whose inside is drawn instead of a box; may stand several times",
      repeated: true,
    },
    {
      flags: "-o, --out <file.svg>",
      description: "where to write it, `-` for standard output; MODEL.svg in this folder if not given",
    },
    stdinOption,
    ...passOptions,
  ],
  examples: [
    [
      "lmg draw model.lmg -o model.svg",
      "the stream as a straight line, each residual edge beside it, its norms where they stand",
    ],
    [
      "lmg draw model.lmg --set placement=post -o -",
      "the same with the norms after the adds, to standard output",
    ],
    ["lmg draw model.lmg --open attn", "with the inside of `attn: attention(heads)`"],
  ],
  async run([path], asked: DrawCommandOptions, out) {
    const { source, options } = await openPlace(path!, asked, out);
    const { model, graph, remarks } = await loadModel(source, options, out);
    const opened = options.open ?? [];
    requireLabels(opened, everyLabel(model.graph));
    const edges = explainEdges(model.graph, remarks);
    const svg = draw(model.graph, { fused: { graph, edges }, opened });
    if (options.out === STDIN) {
      out.write(svg);
      return;
    }
    const name = path === STDIN ? model.graph.name : basename(path!, extname(path!));
    const file = options.out ?? `${name}.svg`;
    const bytes = new TextEncoder().encode(svg);
    orStop(writeFile(file, bytes));
    const fused = edges.filter(({ joined }) => joined).length;
    const { length: all } = edges;
    out.write(
      `wrote ${file} (${showBytes(bytes.length)}): ${plural(all, "residual edge")}, ${fused} with the add fused\n`,
    );
  },
};

function requireLabels(opened: readonly string[], known: ReadonlySet<string>): void {
  const unknown = opened.find((label) => !known.has(label));
  if (unknown === undefined) return;
  const near = nearest(unknown, known);
  const help =
    near === undefined
      ? "--open takes a label, as `attn` of `attn: attention(heads)`, or a name, as `attention`"
      : `did you mean ${near}?`;
  stop("E803", `nothing in this model is called \`${unknown}\``, help);
}
