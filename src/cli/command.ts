import type { Out } from "./out.ts";

/** An option as commander takes it: `--set <name=value>`, what it does, and whether it may be repeated. */
export interface OptionSpec {
  readonly flags: string;
  readonly description: string;
  /** The values are collected in a list. */
  readonly repeated?: true;
  readonly choices?: readonly string[];
  readonly default?: string;
}

/** A command: data, and one short function that ends by returning or by throwing `Stop`. */
export interface Command {
  /** As commander takes them: `<model.lmg>`, `[op]`, `<files...>`. */
  readonly arguments: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly OptionSpec[];
  /** Lines to type, each with what it does. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** A method, so that a command may say which options it has: those that its `options` make commander parse. */
  run(args: readonly string[], options: object, out: Out): void | Promise<void>;
}
