import type { Piece } from "../../module/piece.ts";
import { fragment } from "../../module/text.ts";

/** What times the steps of a run one by one, in modules that are written for that. */
export const profileRuntime: Piece = {
  declares: ["profilerOf"],
  code: fragment`
    /**
     * Gives the milliseconds of each step of a run, and of none: each is a list of its own, before and after which all
     * threads meet.
     */
    function profilerOf(loaded, runner) {
      const { engine, w } = loaded;
      const timeSteps = async (part, inputs, dims) => {
        const given = part.read(inputs, dims);
        const { place, end } = placesFrom(loaded.from);
        const calls = [];
        const list = { ranks: engine.ranks, place, call: (...call) => calls.push(call), meet: () => {}, settle: () => {} };
        const places = part.list(w, dims, list);
        let bytes = end();
        const lists = [[], ...calls.map((call) => [call])].map((some) => {
          const each = emptyList(bytes, engine.ranks);
          for (const call of some) each.call(...call);
          const listed = each.finish();
          bytes = listed.end;
          return listed;
        });
        const perform = (listed, writes = []) =>
          performed(engine, { bytes, writes, list: listed.at, reads: [] }, listed, "a run step by step");
        await perform(lists[0], [
          ...given.map((data, index) => [places.inputs[index], data]),
          ...lists.map(({ at, words }) => [at, words]),
        ]);
        const times = [];
        for (const listed of lists) {
          const start = performance.now();
          await perform(listed);
          times.push(performance.now() - start);
        }
        const [none, ...steps] = times;
        return { threads: engine.ranks, none, steps };
      };
      return async (part, inputs, bind) => {
        const times = runner.inTurn(() => timeSteps(part, inputs, bind()));
        // The lists lay where that of the last run was: after a run of nothing yet known, the next one lists its calls again.
        const nothing = { list: () => ({ inputs: [], outputs: [] }), read: () => [], results: () => undefined };
        await Promise.all([times, runner.run(nothing, {}, () => ({}), undefined)]);
        return times;
      };
    }
  `,
};
