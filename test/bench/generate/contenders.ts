import { join } from "node:path";
import { Child } from "../child.ts";
import type { Options } from "./options.ts";
import type { Generated } from "./peers/serve.ts";

/** What a contender made of a prompt. */
export interface Run extends Omit<Generated, "tokens"> {
  /** Tokens of the prompt, as it counts them. */
  readonly prompt: number;
  /** What was generated: ids, or the text of those that give no ids. */
  readonly made: readonly number[] | string;
  /** Bytes of memory that its process had at most; unknown of a page. */
  readonly bytes: number | undefined;
}

/** Where one runs: as a program, or as a page. */
export type Place = "Node" | "Chromium";

/** A library, or lmg, with a number of threads, that has loaded the file. */
export interface Contender {
  readonly name: string;
  readonly threads: number;
  readonly place: Place;
  readonly generate: (prompt: Prompt, count: number) => Promise<Run>;
  readonly close: () => Promise<void> | void;
}

/** A prompt for those that take ids, and for those that take a text. */
export interface Prompt {
  readonly ids: readonly number[];
  readonly text: string;
}

/** What is loaded in a process of its own. */
export interface Peer {
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
}

export const peerScript = (name: string): string => join(import.meta.dirname, "peers", name);

/** lmg, which all are compared with, and llama.cpp. */
export const nodePeers = ({ file, model }: Options): readonly Peer[] => [
  { name: "lmg", script: "lmg.ts", args: [file, ...(model === undefined ? [] : [model])] },
  { name: "llama.cpp", script: "llama.js", args: [file] },
];

/** One in a process of Node; throws why it cannot load the file. */
export async function openInNode(
  { name, script, args: [file, ...others] }: Peer,
  threads: number,
  node: string,
): Promise<Contender> {
  const child = new Child(node, [peerScript(script), file!, String(threads), ...others]);
  await child.next();
  return {
    name,
    threads,
    place: "Node",
    generate: async ({ ids }, count) => {
      const { tokens, ...measured } = (await child.ask({ prompt: ids, count })) as Generated & {
        readonly bytes: number;
      };
      return { ...measured, prompt: ids.length, made: tokens };
    },
    close: () => {
      child.close();
    },
  };
}
