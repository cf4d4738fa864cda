import type { Node, NodeOf, Output } from "../../ir/graph.ts";
import { constantDim } from "../../tensor/dim.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { variable } from "../torch/python.ts";
import type { Stack } from "./stack.ts";

/** What a forward of the head is written from. */
interface HeadText {
  /** `self.model` */
  readonly base: string;
  /** Of its class. */
  readonly name: string;
  readonly lines: readonly string[];
  readonly results: readonly string[];
}

/** What a model gives beside the stack's last values, as transformers knows heads. */
export interface Head {
  /** `AutoModelForCausalLM` */
  readonly auto: string;
  /** `ForCausalLM`, by which transformers chooses the loss too. */
  readonly suffix: string;
  readonly generates: boolean;
  readonly outputs: readonly Output[];
  /** The label of the layer over the vocabulary, if the last one is a layer. */
  readonly layer: string | undefined;
  /** What stands before its class. */
  readonly declared: (name: string) => readonly string[];
  readonly forward: (text: HeadText) => readonly string[];
}

const INDENT = "        ";

/** The head of a model; undefined if it gives the stack's values alone. */
export function headOf(stack: Stack): Head | undefined {
  const { graph, hidden, pooled, causal } = stack;
  const outputs = graph.outputs.filter(({ value }) => value !== hidden && value !== pooled);
  const [first, ...others] = outputs;
  if (first === undefined) return undefined;
  const shared = { outputs, layer: layerOf(stack), generates: false, declared: () => [] };
  const { shape, dtype } = first.value.type;
  if (others.length > 0 || !isFloat(dtype) || shape.length < 2 || shape.length > 3) return severalOf(shared);
  if (shape.length === 2)
    return {
      ...shared,
      auto: "AutoModelForSequenceClassification",
      suffix: "ForSequenceClassification",
      forward: (text) =>
        standard(text, "SequenceClassifierOutput", "labels, logits, self.config, pooled_logits=logits"),
    };
  const [vocabulary] = stack.embedding.operands.table.type.shape;
  const isVocabulary = constantDim(shape[2]!) === constantDim(vocabulary!);
  if (causal && isVocabulary)
    return {
      ...shared,
      generates: true,
      auto: "AutoModelForCausalLM",
      suffix: "ForCausalLM",
      forward: (text) =>
        standard(text, "CausalLMOutputWithPast", "logits, labels, self.config.vocab_size", true),
    };
  return isVocabulary
    ? {
        ...shared,
        auto: "AutoModelForMaskedLM",
        suffix: "ForMaskedLM",
        forward: (text) => standard(text, "MaskedLMOutput", "logits, labels, self.config.vocab_size"),
      }
    : {
        ...shared,
        auto: "AutoModelForTokenClassification",
        suffix: "ForTokenClassification",
        forward: (text) => standard(text, "TokenClassifierOutput", "logits, labels, self.config"),
      };
}

/** The layer over the vocabulary whose weight is the tokens' table. */
interface TiedLayer {
  readonly name: string;
  /** Whether its bias is its own: what has that name has no other parameters. */
  readonly ownsBias: boolean;
}

/** What it is called: as its bias says, else `lm_head` or a name like it that no part of the model has. */
export function tiedLayer({ graph, head, embedding }: Stack): TiedLayer {
  const node = head.find(
    (each): each is NodeOf<"linear"> =>
      each.op === "linear" && each.operands.weight === embedding.operands.table,
  );
  const bias = graph.parameters.find(({ value }) => value === node?.operands.bias)?.name;
  const layer = bias?.endsWith(".bias") === true ? bias.slice(0, -".bias".length) : undefined;
  const isShared = graph.parameters.some(({ name }) => name !== bias && name.startsWith(`${layer}.`));
  if (layer !== undefined && !isShared) return { name: layer, ownsBias: true };
  const taken = new Set(graph.parameters.flatMap(({ name }) => name.split(".")));
  let name = TIED;
  for (let number = 1; taken.has(name); number++) name = `${TIED}_${number}`;
  return { name, ownsBias: false };
}

const TIED = "lm_head";

/** The layer that is as long as the vocabulary. */
function layerOf({ head, embedding }: Stack): string | undefined {
  const [rows] = embedding.operands.table.type.shape;
  const node: Node | undefined = head.findLast(
    ({ op, results }) =>
      op === "linear" && constantDim(results[0]!.type.shape.at(-1)!) === constantDim(rows!),
  );
  return node === undefined || node.origin.label === "" ? undefined : node.origin.label;
}

/** What generation looks for by name, and what is made of it. */
const rows = "attention_mask=None, position_ids=None";
const handed = "attention_mask, position_ids";

/** `loss_function` is what transformers has for the class's name. */
function standard(
  { base, lines, results }: HeadText,
  output: string,
  loss: string,
  isCausal = false,
): readonly string[] {
  const kept = isCausal
    ? [
        `${INDENT}kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep`,
        `${INDENT}x = out.last_hidden_state[:, kept]`,
      ]
    : [`${INDENT}x = out.last_hidden_state`];
  const parts = [
    "loss=loss",
    "logits=logits",
    ...(isCausal ? ["cache=out.cache"] : []),
    "hidden_states=out.hidden_states",
    "attentions=out.attentions",
  ];
  return [
    `    def forward(self, input_ids=None, ${rows}, labels=None, ${isCausal ? "logits_to_keep=0, " : ""}**kwargs):`,
    `${INDENT}out = ${base}(input_ids, ${handed}, **kwargs)`,
    ...kept,
    ...lines,
    ...(results[0] === "logits" ? [] : [`${INDENT}logits = ${results[0]!}`]),
    `${INDENT}loss = None if labels is None else self.loss_function(${loss}, **kwargs)`,
    `${INDENT}return ${output}(${parts.join(", ")})`,
  ];
}

/** Several outputs by their names; none of them has a loss that all would know. */
function severalOf(shared: Omit<Head, "auto" | "suffix" | "forward">): Head {
  const names = shared.outputs.map(({ name }) => variable(name));
  return {
    ...shared,
    auto: "AutoModelForPreTraining",
    suffix: "ForPreTraining",
    declared: (name) => [
      "@dataclass",
      `class ${name}Output(ModelOutput):`,
      ...[...names, "last_hidden_state", "hidden_states", "attentions"].map(
        (each) => `    ${each}: torch.Tensor | None = None`,
      ),
      "",
      "",
    ],
    forward: ({ base, name, lines, results }) => [
      `    def forward(self, input_ids=None, ${rows}, **kwargs):`,
      `${INDENT}out = ${base}(input_ids, ${handed}, **kwargs)`,
      `${INDENT}x = out.last_hidden_state`,
      ...lines,
      `${INDENT}return ${name}Output(${[...names.map((each, at) => `${each}=${results[at]!}`), "last_hidden_state=x", "hidden_states=out.hidden_states", "attentions=out.attentions"].join(", ")})`,
    ],
  };
}
