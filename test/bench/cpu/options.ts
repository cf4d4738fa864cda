import { parseArgs } from "node:util";
import { targetNames, type TargetName } from "../../../src/emit/targets.ts";
import type { NodeCommand } from "./node.ts";
import { wholeNumber, wholeNumbers } from "../options.ts";

export interface Options {
  /** The Node executables to run the engines with, one after another. */
  readonly nodes: readonly NodeCommand[];
  /** lmg's targets to measure; ratios are to the first. */
  readonly kernels: readonly TargetName[];
  /** Thread counts of those that have threads in Node; the others have one. */
  readonly threads: readonly number[];
  readonly rounds: number;
  /** Milliseconds that a round gives each engine at least. */
  readonly ms: number;
  /** What of a row's name is asked for. */
  readonly rows: RegExp;
  /** What of an engine's name is asked for; the first is measured whatever it is. */
  readonly only: RegExp;
  /** Also what a page loads, in bytes. */
  readonly sizes: boolean;
  readonly miniLm: string | undefined;
  readonly json: string | undefined;
}

/** Throws for what is no option or has no meaning. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      node: { type: "string", multiple: true, default: [process.execPath] },
      kernels: { type: "string", default: "wasm" },
      threads: { type: "string", default: "1,2" },
      rounds: { type: "string", default: "9" },
      ms: { type: "string", default: "200" },
      rows: { type: "string", default: "" },
      only: { type: "string", default: "" },
      sizes: { type: "boolean", default: false },
      minilm: { type: "string" },
      json: { type: "string" },
    },
  });
  const kernels = values.kernels.split(",").map((name) => {
    const target = targetNames.find((each) => each === name);
    if (target === undefined || target === "wgsl") throw new Error(`--kernels has no ${name}`);
    return target;
  });
  return {
    nodes: values.node,
    kernels,
    threads: wholeNumbers("threads", values),
    rounds: wholeNumber("rounds", values),
    ms: wholeNumber("ms", values),
    rows: new RegExp(values.rows, "i"),
    only: new RegExp(values.only, "i"),
    sizes: values.sizes,
    miniLm: values.minilm,
    json: values.json,
  };
}
