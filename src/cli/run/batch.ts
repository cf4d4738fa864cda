import { Problem } from "../../checkpoint/problem.ts";
import { Refusal } from "../../incremental/refusal.ts";
import { attempt } from "../../run/attempt.ts";
import { outputOf } from "../../run/model.ts";
import { batchDecoder } from "../../run/text-decoder.ts";
import type { Rows } from "../../run/tokens.ts";
import { generateBatch, type BatchOptions } from "../../session/batch.ts";
import type { Generated, TextEncoding } from "../../session/generate.ts";
import { withoutPartial } from "../../session/pieces.ts";
import { largest } from "../../support/lists.ts";
import { parseNumber } from "../arguments.ts";
import { writeJson } from "../out.ts";
import { orStop, stop } from "../stop.ts";
import { defaultTarget, engineOptionsOf } from "../targets.ts";
import type { PackedModel } from "./quantized.ts";
import { readSampling } from "./sampling-options.ts";
import type { Session } from "./session.ts";

/** Goes on from several prompts side by side, and writes the texts, one after the other, when all have ended. */
export async function runBatch(
  { model, options, out, weights: { from } }: Session,
  { weights, packing }: PackedModel,
  rows: Rows,
  stopTokens: ReadonlySet<number>,
): Promise<void> {
  const { graph, tokenizer, inputs } = model;
  if (options.interpret === true || (inputs?.size ?? 0) > 0)
    stop("E820", "several prompts are read by the model's decoder: without --interpret, and without --input");
  const maxTokens = orStop(parseNumber("--generate", options.generate!, 1, 1_000_000, true));
  const decoder = batchDecoder(graph, weights, outputOf(model), {
    target: options.target ?? defaultTarget,
    ...engineOptionsOf(options),
    fuse: options.fuse ?? true,
    packing,
    limit:
      largest(
        rows.map((row) => row.length),
        0,
      ) + maxTokens,
  });
  if (decoder instanceof Refusal || decoder instanceof Problem)
    return stop("E820", `the model goes on from one prompt at a time: ${decoder.message}`);
  const made = orStop(
    await attempt(async () => {
      const opened = await decoder.open();
      try {
        // Ids are written as ids where no tokenizer has texts for them.
        const encoding: TextEncoding = { encode: () => [], decode: (ids) => tokenizer?.decode(ids) ?? "" };
        return await allOf(opened, encoding, rows, { ...readSampling(options), maxTokens, stopTokens });
      } finally {
        opened.close();
      }
    }),
  );
  const texts = made.map(({ tokens, text, stopped }, at) => ({
    tokens: [...rows[at]!, ...tokens],
    text: tokenizer === undefined ? null : withoutPartial(tokenizer.decode(rows[at]!)) + text,
    stopped,
  }));
  if (options.json === true) writeJson(out, { weights: from, texts });
  else out.write(texts.map(({ tokens, text }) => `${text ?? tokens.join(",")}\n`).join("\n"));
}

/** What was generated, when all has been. */
async function allOf(
  from: Parameters<typeof generateBatch>[0],
  encoding: TextEncoding,
  rows: Rows,
  options: BatchOptions,
): Promise<readonly Generated[]> {
  const running = generateBatch(from, encoding, rows, options);
  for (;;) {
    const next = await running.next();
    if (next.done === true) return next.value;
  }
}
