import { describe, test } from "vitest";
import { targets } from "../../src/emit/targets.ts";
import { openSessions } from "../../src/run/sessions.ts";
import { executionAdapter } from "../webgpu/device.ts";
import { Reference } from "./decoded.ts";
import { derived } from "./models.ts";
import { causalGraphs, readInPieces } from "./reading.ts";

const adapter = await executionAdapter();

/* The same as `read.test.ts`, on a device: where it is made of software, a model takes as long as all others there. */
describe.skipIf(adapter === undefined)("a session in WebGPU", () => {
  test.each(causalGraphs)(
    "reads %s in chunks, goes back, is forked, and takes other texts of its batch",
    async (_, graphOfCase) => {
      const graph = graphOfCase();
      const decoding = derived(graph, { target: targets.wgsl.target({}) });
      const reference = new Reference(graph, "T", { B: 2, T: 14, S: 5 });
      const model = await openSessions(decoding, reference.parameters, { target: "wgsl", adapter: adapter! });
      await readInPieces(model, decoding, reference);
    },
  );
});
