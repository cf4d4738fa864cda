import { join } from "node:path";
import type { Options } from "./options.ts";
import type { ModelFiles } from "./prepare.ts";

/** A library, or lmg, with a number of threads. */
export interface Contender {
  readonly name: string;
  readonly threads: number;
}

/** One that runs in a process of its own. */
export interface Engine extends Contender {
  /** The script and what it is given. */
  readonly args: readonly string[];
  /** Whether it can run a model that has these forms. */
  readonly takes: (files: ModelFiles) => boolean;
}

const engine = (
  name: string,
  threads: number,
  script: string,
  args: readonly string[],
  takes: Engine["takes"] = () => true,
): Engine => ({ name, threads, args: [join(import.meta.dirname, "peers", script), ...args], takes });

/** lmg by its kernels, and the peers. The first is what all are compared with. */
export function enginesOf({ kernels, threads }: Pick<Options, "kernels" | "threads">): readonly Engine[] {
  const each = (make: (threads: number) => Engine): Engine[] => threads.map(make);
  return [
    ...kernels.flatMap((name) => {
      const lmg = (threads: number) => engine(`lmg ${name}`, threads, "lmg.js", [name, String(threads)]);
      return name === "ts" ? [lmg(1)] : each(lmg);
    }),
    ...["web", "node"].flatMap((kind) =>
      each((threads) => engine(`onnxruntime-${kind}`, threads, "onnxruntime.js", [kind, String(threads)])),
    ),
    engine("tfjs wasm", 1, "tfjs.js", []),
    engine("jax-js wasm", 1, "jax.js", []),
    ...each((threads) =>
      engine(
        "transformers.js",
        threads,
        "transformers.js",
        [String(threads)],
        ({ published }) => published !== undefined,
      ),
    ),
  ];
}
