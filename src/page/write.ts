import { orThrow } from "../checkpoint/problem.ts";
import { encodePrompt } from "../run/tokenizer.ts";
import type { Generated } from "../session/generate.ts";
import type { StopSignal } from "../session/session.ts";
import type { WriteMessage } from "./messages.ts";
import type { OpenModel } from "./open.ts";

/** Writes a text, piece by piece; what cannot be written is thrown. */
export async function writeText(
  model: OpenModel,
  { from, options }: Pick<WriteMessage, "from" | "options">,
  signal: StopSignal,
  onText: (text: string) => void,
): Promise<Generated> {
  const { session, tokenizer, stops, generate } = model;
  const prompt = promptOf(model, from);
  const encoding = { encode: () => prompt, decode: tokenizer.decode };
  const pieces = generate(session, encoding, prompt, { ...stops, ...options, signal });
  for (;;) {
    const next = await pieces.next();
    if (next.done === true) return next.value;
    onText(next.value);
  }
}

/** The tokens of a prompt, or of a conversation as the model's template writes it. */
function promptOf(
  { tokenizer, template, facts: { context } }: OpenModel,
  from: WriteMessage["from"],
): readonly number[] {
  if ("prompt" in from) {
    const ids = orThrow(encodePrompt(tokenizer, from.prompt));
    if (ids.length > context)
      throw new RangeError(
        `the prompt has ${ids.length} tokens, and the model reads at most ${context}: shorten it`,
      );
    return ids;
  }
  if (template === undefined)
    throw new Error("the model has no chat template: `generate` goes on with a text");
  const text = orThrow(template(from.messages));
  const ids = orThrow((tokenizer.encodeBare ?? tokenizer.encode)(text));
  if (ids.length > context)
    throw new RangeError(
      `the conversation has ${ids.length} tokens, and the model reads at most ${context}: leave out what was said first, or begin anew`,
    );
  return ids;
}
