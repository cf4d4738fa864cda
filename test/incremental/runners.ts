import type { EmittedTensors } from "../../src/emit/emitted.ts";
import { targets } from "../../src/emit/targets.ts";
import type { Decoding } from "../../src/incremental/program.ts";
import type { OpenParts } from "../../src/run/session/model.ts";
import { typescriptParts } from "../../src/run/session/typescript.ts";
import { webassemblyParts } from "../../src/run/session/webassembly.ts";

/** WebAssembly of the machine that runs the tests, for which their programs are derived. */
export const wasm = targets.wasm.target({});

type OpenWith = (decoding: Decoding, weights: EmittedTensors) => Promise<OpenParts>;

/** What runs the parts of a decoding program, in one thread. */
export const runners: Readonly<Record<string, OpenWith>> = {
  JavaScript: typescriptParts,
  WebAssembly: (decoding, weights) => webassemblyParts(decoding, weights, wasm, 1),
};
