import { dirname, join } from "node:path";
import { readBytes } from "../../checkpoint/files/read.ts";
import { places } from "../../checkpoint/places.ts";
import type { Problem } from "../../checkpoint/problem.ts";
import { checkImported } from "../../import/onnx/check.ts";
import { importOnnx } from "../../import/onnx/import.ts";
import { onnxLeftOut } from "../../import/onnx/left-out.ts";
import type { OnnxModel } from "../../import/onnx/model.ts";
import { readOnnx } from "../../import/onnx/read.ts";
import { isHalf } from "../../tensor/dtype.ts";
import { listWords, plural } from "../../support/text.ts";
import { orStop } from "../stop.ts";
import type { Imported } from "./imported.ts";

/** An ONNX model of a file, with the tensors that lie in others beside it. */
export function fromOnnx(bytes: Uint8Array, path: string, name: string): Imported {
  const files = new Map<string, Uint8Array | Problem>();
  const find = (location: string): Uint8Array | Problem => {
    const known = files.get(location) ?? readBytes(join(dirname(path), location), places.onnxData);
    files.set(location, known);
    return known;
  };
  const model = orStop(readOnnx(bytes, path, find));
  const imported = orStop(importOnnx(model, name, path));
  const { text, tensors, edges, names, past } = imported;
  const renamed = [...names].filter(([from, to]) => from !== to).map(([from, to]) => `${from} is ${to}`);
  const told = [
    `${plural(model.nodes.length, "node")} of ONNX, ${plural(edges, "residual edge")}`,
    ...(renamed.length > 0 ? [`names: ${listWords(renamed)}`] : []),
    ...(past.length > 0
      ? [`without its cache: ${listWords(shortened(past))} ${past.length === 1 ? "is" : "are"} empty`]
      : []),
    ...leftOut(model),
    ...([...tensors.values()].some(({ dtype }) => isHalf(dtype))
      ? ["floats of 16 bits are kept as they are, and computed with in float32"]
      : []),
  ];
  return { text, tensors, told, check: (written) => checkImported(imported, written) };
}

/** The tensors that the weights have not. */
function leftOut(model: OnnxModel): readonly string[] {
  const unread = onnxLeftOut(model);
  if (unread.length === 0) return [];
  return [
    `left out, as no output needs ${unread.length === 1 ? "it" : "them"}: ${listWords(shortened(unread))}`,
  ];
}

const shortened = (names: readonly string[]): readonly string[] =>
  names.length > 5 ? [...names.slice(0, 5), `${names.length - 5} more`] : names;
