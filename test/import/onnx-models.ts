import { readFileSync } from "node:fs";
import { Problem } from "../../src/checkpoint/problem.ts";
import { toHostTensor } from "../../src/checkpoint/stored.ts";
import { checkImported } from "../../src/import/onnx/check.ts";
import { importOnnx, type ImportedOnnx } from "../../src/import/onnx/import.ts";
import { readOnnx } from "../../src/import/onnx/read.ts";
import type { FindFile } from "../../src/import/onnx/tensors.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { format } from "../../src/language/format.ts";
import { parse } from "../../src/language/parse.ts";
import { lower } from "../../src/lower/lower.ts";
import { isError } from "../../src/support/diagnostic.ts";
import { makeData, type HostTensor } from "../../src/tensor/host.ts";

const noFile: FindFile = (location) => new Problem("E700", `there is no file ${location}`);

/** An imported model with its text formatted and lowered, held against what it was made of. */
export interface Imported extends ImportedOnnx {
  readonly lowered: Graph;
}

/** The model of a file's bytes; or why it cannot be imported. */
export function imported(bytes: Uint8Array, find: FindFile = noFile): Imported | Problem {
  const model = readOnnx(bytes, "model.onnx", find);
  if (model instanceof Problem) return model;
  const made = importOnnx(model, "imported", "model.onnx");
  if (made instanceof Problem) return made;
  const { text } = format({ name: "model.lmg", text: made.text });
  const parsed = parse({ name: "model.lmg", text });
  const { diagnostics, model: lowered } = lower(parsed.file);
  const errors = [...parsed.diagnostics, ...diagnostics].filter(isError);
  if (lowered === undefined || errors.length > 0)
    throw new Error(`${errors.map(({ message }) => message).join("\n")}\n${text}`);
  checkImported(made, lowered.graph);
  return { ...made, text, lowered: lowered.graph };
}

/** What an imported model gives for inputs by the names of the ONNX file, in float64; outputs by those names too. */
export function interpreted(
  { lowered, tensors, names }: Imported,
  given: Readonly<Record<string, HostTensor>>,
): Readonly<Record<string, HostTensor>> {
  const byText = new Map(Object.entries(given).map(([name, tensor]) => [names.get(name)!, tensor]));
  const inputs = Object.fromEntries(
    lowered.inputs.map(({ name, value }) => {
      const { shape, data } = byText.get(name)!;
      const { dtype } = value.type;
      const held = makeData(dtype, data.length);
      data.forEach((each, index) => (held[index] = dtype === "bool" ? Number(each !== 0) : each));
      return [name, { dtype, shape, data: held }];
    }),
  );
  const parameters = Object.fromEntries(
    [...tensors].map(([name, tensor]) => [name, toHostTensor(tensor, name) as HostTensor]),
  );
  const found = interpret(lowered, { inputs, parameters });
  const outputs = [...names].filter(([, text]) => text in found);
  return Object.fromEntries(outputs.map(([name, text]) => [name, found[text]!]));
}

export const goldenBytes = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../golden/onnx/${name}.onnx`, import.meta.url)));
