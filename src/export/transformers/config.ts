import type { Graph } from "../../ir/graph.ts";
import { literal, text } from "../torch/python.ts";
import { parallelPlan } from "./parallel.ts";
import type { Settings } from "./settings.ts";
import type { Stack } from "./stack.ts";

/** What no other model of transformers is called. */
export const modelType = ({ name }: Graph): string => `lmg_${name}`;

/** What Python's config may hold. */
const types: Readonly<Record<keyof Settings, string>> = {
  vocab_size: "int",
  hidden_size: "int",
  num_hidden_layers: "int",
  num_attention_heads: "int",
  num_key_value_heads: "int",
  head_dim: "int",
  max_position_embeddings: "int | None",
  sliding_window: "int | None",
  layer_types: "list | None",
  tie_word_embeddings: "bool",
  attention_dropout: "float | int",
};

/** The class of the config: its sizes, and which part of each product a device has. */
export function configText(className: string, { graph, prefix }: Stack, settings: Settings): string {
  const rows = Object.entries(settings).map(([name, value]) => {
    const stated = name === "layer_types" ? undefined : (value as number | boolean | null);
    return `    ${name}: ${types[name as keyof Settings]} = ${literal(stated ?? undefined)}`;
  });
  const plan = parallelPlan(graph, prefix);
  return [
    `class ${className}Config(PreTrainedConfig):`,
    `    model_type = ${text(modelType(graph))}`,
    `    keys_to_ignore_at_inference: ClassVar[list] = ["cache"]`,
    "    # Which part of each product a device has, read off the residual edges.",
    ...(plan.length === 0
      ? ["    base_model_tp_plan: ClassVar[dict] = {}"]
      : [
          "    base_model_tp_plan: ClassVar[dict] = {",
          ...plan.map(([name, style]) => `        ${text(name)}: ${text(style)},`),
          "    }",
        ]),
    "",
    ...rows,
    "    use_cache: bool = True",
  ].join("\n");
}
