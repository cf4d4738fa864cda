import type { Graph } from "../../ir/graph.ts";
import type { TrainableModel } from "../../train/program.ts";
import { Refused, type Refusal } from "../table.ts";
import { formatPython } from "../python/format.ts";
import { torchFiles } from "./files.generated.ts";
import { modelText } from "./model.ts";
import { readmeText } from "./readme.ts";

export interface TorchInput {
  /** The model as it trains, and as it was lowered. */
  readonly graph: Graph;
  /** With a `train` section. */
  readonly train: TrainableModel | undefined;
  /** The path of the model's text. */
  readonly source: string;
  readonly version: string;
}

export interface ExportedFile {
  readonly path: string;
  readonly text: string;
}

/** The files of a model for PyTorch, or why there are none. */
export function exportTorch(input: TorchInput): readonly ExportedFile[] | Refusal {
  try {
    const written = { path: "model.py", text: formatPython(modelText(input)) };
    if (input.train === undefined) return [written];
    const beside = torchFiles.map(({ name, text: content }) => ({ path: name, text: content }));
    return [written, ...beside, { path: "README.md", text: readmeText(input.graph.name) }];
  } catch (error) {
    if (error instanceof Refused) return error.refusal;
    throw error;
  }
}
