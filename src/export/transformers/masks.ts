import { text } from "../torch/python.ts";
import type { Stack } from "./stack.ts";

const INDENT = "        ";

/** What masks are made of, by the names that transformers and the forward have for it. */
const GIVEN = ["inputs_embeds", "attention_mask", "cache", "position_ids"] as const;

/** One mask, or one a kind of layer. */
export function maskLines({ causal, window, attends }: Stack): readonly string[] {
  if (!causal)
    return [
      `${INDENT}mask = create_bidirectional_mask(self.config, inputs_embeds, attention_mask)`,
      `${INDENT}kwargs.update(attention_mask=mask, position_ids=position_ids)`,
    ];
  const functions = {
    full_attention: "create_causal_mask",
    sliding_attention: "create_sliding_window_causal_mask",
  };
  const kinds = [
    ...(attends.some(({ attrs }) => attrs.window === undefined) ? (["full_attention"] as const) : []),
    ...(window === undefined ? [] : (["sliding_attention"] as const)),
  ];
  return [
    `${INDENT}if not isinstance(attention_mask, dict):`,
    `${INDENT}    given = {"config": self.config, ${GIVEN.map((name) => `${text(name)}: ${name}`).join(", ")}}`,
    `${INDENT}    attention_mask = {${kinds.map((kind) => `${text(kind)}: ${functions[kind]}(**given)`).join(", ")}}`,
    `${INDENT}kwargs.update(attention_mask=attention_mask, cache=cache, use_cache=use_cache, position_ids=position_ids)`,
  ];
}
