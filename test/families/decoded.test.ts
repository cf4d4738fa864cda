import { expect, test } from "vitest";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { toHostTensor } from "../../src/checkpoint/stored.ts";
import { openNamed } from "../../src/cli/run/chosen.ts";
import { matchWeights } from "../../src/run/weights.ts";
import type { HostTensor } from "../../src/tensor/host.ts";
import { chunks, Decoder, difference, rowsOf } from "../incremental/decoded.ts";
import { derived } from "../incremental/models.ts";
import { casesOf, folderOf, opened } from "./alone.ts";
import { tolerances } from "./support.ts";

/**
 * Families whose texts are read through states of another kind than a cache of keys and values alone: recurrences, convolutions, sinks in
 * windows; or whose positions are known in other ways. Each golden is read a few positions at once, then one by one, and every row of logits is transformers' of the whole text.
 */
const families = [
  ...[
    "mamba",
    "falcon_mamba",
    "mamba2",
    "rwkv",
    "qwen3_next",
    "lfm2",
    "lfm2_moe",
    "gpt_oss",
    "granitemoe_swa",
  ],
  // Positions that are counted from elsewhere, and heads that turn the other way.
  ...["biogpt", "xglm", "nanochat"],
];

test.each(families)("%s read by its states gives transformers' logits of the whole text", (name) => {
  const model = opened(name);
  const checkpoint = orThrow(
    matchWeights(model.graph, openNamed({ weights: folderOf(name) }), { notNeeded: model.notNeeded }),
  );
  const parameters = Object.fromEntries(
    [...checkpoint.tensors].map(([parameter, { read }]) => [
      parameter,
      orThrow(toHostTensor(read(), parameter)),
    ]),
  );
  const decoding = derived(model.graph);
  // The first has two rows, which are all that another text would add.
  for (const { inputs, logits } of casesOf(name).slice(0, 1)) {
    const tokens = inputs.get("tokens") as HostTensor;
    const [rows, length] = tokens.shape as [number, number];
    const decoder = new Decoder(decoding, parameters, { B: rows, [decoding.dims.capacity]: length });
    const largest = Math.max(...Array.from(logits.data, Math.abs));
    for (const chunk of chunks("all", 3, 2, ...Array.from({ length: length - 5 }, () => 1))) {
      const start = decoder.past;
      const found = decoder.run(chunk, { tokens: rowsOf(tokens, 1, start, chunk.count) })["logits"]!;
      const expected = rowsOf(logits, 1, start, chunk.count);
      expect(difference(found, expected) / largest, `from position ${start}`).toBeLessThan(
        tolerances.interpreter,
      );
    }
  }
  checkpoint.close();
});
