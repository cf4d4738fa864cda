import { execFileSync } from "node:child_process";
import { Child } from "../child.ts";

/** A Node executable and the flags behind it, as one text: `node20 --experimental-wasm-relaxed-simd`. */
export type NodeCommand = string;

/** Flags begin with a dash; a path may have blanks. */
function partsOf(node: NodeCommand): readonly [path: string, flags: readonly string[]] {
  const [path, ...flags] = node.split(/ +(?=-)/);
  return [path!, flags];
}

/** A process of it that runs a script. */
export function nodeChild(
  node: NodeCommand,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Child {
  const [path, flags] = partsOf(node);
  return new Child(path, [...flags, ...args], env);
}

/** Its version and its flags. */
export function nodeVersion(node: NodeCommand): string {
  const [path, flags] = partsOf(node);
  return [execFileSync(path, ["--version"], { encoding: "utf8" }).trim(), ...flags].join(" ");
}
