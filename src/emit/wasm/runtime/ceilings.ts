import type { Piece } from "../../module/piece.ts";
import { fragment } from "../../module/text.ts";

/** What runs ceilings: lists of one call each, all on the same memory. */
export const ceilingRuntime: Piece = {
  declares: ["openCeilings"],
  code: fragment`
    /** Memory of so many bytes to read and as many to copy to, and the threads that do it. */
    export async function openCeilings(threads, most) {
      const engine = await startEngine(threads);
      const { place, end } = placesFrom(CONSTANTS_AT + KERNEL_CONSTANT_BYTES);
      const [sink, from, to] = [place(16 * MOST_THREADS), place(most / 4), place(most / 4)];
      const lists = new Map();
      let bytes = end();
      const perform = async (list, writes = []) => {
        const outcome = await engine.perform({ bytes, writes, list, reads: [] });
        if (outcome.kind !== "done") throw new EngineError("the ceilings of this machine were not found: " + outcome.kind);
      };
      const listOf = async (key, ...calls) => {
        const known = lists.get(key);
        if (known !== undefined) return known;
        const list = emptyList(bytes, engine.ranks);
        for (const [kernel, ...record] of calls) list.call(kernel, ...record);
        const { at, words, end } = list.finish();
        bytes = end;
        await perform(undefined, [[at, words]]);
        lists.set(key, at);
        return at;
      };
      /** The seconds of a call, with no thread asleep when it begins. */
      const time = async (key, ...call) => {
        const [none, list] = [await listOf("none"), await listOf(key, call)];
        await perform(none);
        const start = performance.now();
        await perform(list);
        return (performance.now() - start) / 1e3;
      };
      // Memory that nobody wrote to is one page of zeros, many times over.
      await perform(await listOf("touch", [copy, to, from, most, 1], [copy, from, to, most, 1]));
      return {
        threads: engine.ranks,
        multiplyAdd: (turns) => time("multiply_add " + turns, multiply_add, turns, sink),
        read: (bytes, turns) => time("read " + bytes + " " + turns, read, from, bytes, turns, sink),
        copy: (bytes, turns) => time("copy " + bytes + " " + turns, copy, from, to, bytes, turns),
        close: engine.close,
      };
    }
  `,
};
