import { parseArgs } from "node:util";
import { wholeNumber, wholeNumbers } from "../options.ts";

export interface Options {
  /** The .gguf file that all read. */
  readonly file: string;
  /** The .lmg file of its family, where lmg has no example of it. */
  readonly model: string | undefined;
  /** The Node executable that runs those that run in Node. */
  readonly node: string;
  readonly threads: readonly number[];
  readonly rounds: number;
  /** Tokens of the prompt, and tokens that are generated behind it. */
  readonly prompt: number;
  readonly tokens: number;
  /** What of a contender's name is asked for; lmg is measured whatever it is. */
  readonly only: RegExp;
  /** Whether processes are started anew for the time to their first token. */
  readonly first: boolean;
}

/** Throws for what is no option or has no meaning. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    allowNegative: true,
    options: {
      model: { type: "string" },
      node: { type: "string", default: process.execPath },
      threads: { type: "string", default: "1,2" },
      rounds: { type: "string", default: "5" },
      prompt: { type: "string", default: "128" },
      tokens: { type: "string", default: "32" },
      only: { type: "string", default: "" },
      first: { type: "boolean", default: true },
    },
  });
  const [file] = positionals;
  if (file === undefined) throw new Error("name the .gguf file that all are to read");
  return {
    file,
    model: values.model,
    node: values.node,
    threads: wholeNumbers("threads", values),
    rounds: wholeNumber("rounds", values),
    prompt: wholeNumber("prompt", values),
    tokens: wholeNumber("tokens", values),
    only: new RegExp(values.only, "i"),
    first: values.first,
  };
}
