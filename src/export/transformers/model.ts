import type { Value } from "../../ir/graph.ts";
import { rollGraph } from "../../ir/roll/roll.ts";
import type { RolledPart } from "../../ir/roll/rolled.ts";
import { constantDim } from "../../tensor/dim.ts";
import { Refused } from "../table.ts";
import { Body } from "../torch/body.ts";
import { fileName } from "../torch/comments.ts";
import { FileText } from "../torch/file.ts";
import { className, isVariable } from "../torch/model.ts";
import { belowImports } from "../python/format.ts";
import { Modules } from "../torch/modules.ts";
import { literal, number, text } from "../torch/python.ts";
import { initLines } from "../torch/recipe.ts";
import { configText } from "./config.ts";
import { beginLines, beginText, stackAttention } from "./fixed.ts";
import { headOf, tiedLayer, type Head } from "./head.ts";
import { imports } from "./imports.ts";
import { maskLines } from "./masks.ts";
import { partsFor } from "./parts.ts";
import { layerPlaces, LAYER } from "./places.ts";
import type { Settings } from "./settings.ts";
import type { Stack } from "./stack.ts";
import { HANDED, transformersTable } from "./table.ts";

export interface ModelingInput {
  readonly stack: Stack;
  readonly settings: Settings;
  /** The path of the model's text. */
  readonly source: string;
  readonly version: string;
}

export interface Modeling {
  readonly text: string;
  /** The classes of `auto_map`, by what transformers calls the way to them. */
  readonly classes: Readonly<Record<string, string>>;
}

/** What a checkpoint of several first names is loaded into: a part of the head that no name of the checkpoint begins with. */
function ownPrefix({ graph }: Stack): string {
  const taken = new Set(graph.parameters.map(({ name }) => name.split(".")[0]!));
  return ["model", "backbone", "stack"].find((name) => !taken.has(name)) ?? "lmg_stack";
}

/** What transformers' tokenizers call the kinds of tokens. */
const TYPES = "token_type_ids";

const INDENT = "        ";

/** The modeling file: config, layers, stack and head. */
export function modelingText({ stack, settings, source, version }: ModelingInput): Modeling {
  return new ModelingFile(stack, settings).write(
    `# ${fileName(source)} for transformers 5.24 or later, written by lmg ${version}. Parameters have the names of its checkpoints.`,
  );
}

class ModelingFile {
  readonly #stack: Stack;
  readonly #settings: Settings;
  readonly #parts: readonly RolledPart[];
  readonly #file: FileText;
  readonly #name: string;
  readonly #prefix: string;
  readonly #head: Head | undefined;

  constructor(stack: Stack, settings: Settings) {
    this.#stack = stack;
    this.#settings = settings;
    this.#parts = rollGraph(stack.graph, { isVariable }).parts;
    const places = layerPlaces(stack.graph, this.#parts);
    this.#file = new FileText(stack.graph, {
      table: transformersTable(stack, places),
      base: "GradientCheckpointingLayer",
      parameters: (body) => (places.has(body) ? ["config", LAYER] : []),
      arguments: (loop, body) => (places.has(body) ? ["config", places.first(loop)] : []),
      handed: [HANDED],
    });
    for (const name of ["config", "labels", "position_ids", "inputs_embeds", "out", "loss"])
      this.#file.names.add(name);
    this.#name = className(stack.graph.name);
    this.#prefix = stack.prefix ?? ownPrefix(stack);
    this.#head = headOf(stack);
  }

  write(title: string): Modeling {
    const base = this.#baseClass();
    const head = this.#head === undefined ? undefined : this.#headClass(this.#head);
    const layers = this.#file.layerClasses;
    const body = [
      configText(this.#name, this.#stack, this.#settings),
      stackAttention(this.#stack.causal),
      ...this.#file.texts(),
      this.#pretrainedClass(layers),
      base,
      ...(head === undefined ? [] : [head]),
    ].join("\n\n\n");
    const classes = {
      AutoConfig: `${this.#name}Config`,
      AutoModel: `${this.#name}Model`,
      ...(this.#head === undefined ? {} : { [this.#head.auto]: `${this.#name}${this.#head.suffix}` }),
    };
    return { text: `${belowImports([title, ...imports(body)], body)}\n`, classes };
  }

  #pretrainedClass(layers: readonly string[]): string {
    const hasCap = this.#stack.attends.some(({ attrs }) => attrs.softcap !== 0);
    const sizes = Object.entries(this.#settings).filter(
      ([name]) => !["vocab_size", "layer_types", "tie_word_embeddings", "attention_dropout"].includes(name),
    );
    const recorded = [
      ...(layers.length === 1 ? [`"hidden_states": ${layers[0]!}`] : []),
      ...(this.#stack.attends.length === 0 ? [] : [`"attentions": StackAttention`]),
    ];
    return [
      "# What the classes of this file are written for; a config that says otherwise is another model.",
      `SIZES = {${sizes.map(([name, value]) => `${text(name)}: ${literal(value ?? undefined)}`).join(", ")}}`,
      "",
      beginText(this.#prefix, initLines(this.#stack.graph.parameters)),
      "",
      "",
      `class ${this.#name}PreTrainedModel(PreTrainedModel):`,
      `    config: ${this.#name}Config`,
      `    base_model_prefix = ${text(this.#prefix)}`,
      "    supports_gradient_checkpointing = True",
      `    _no_split_modules: ClassVar[list] = [${layers.map(text).join(", ")}]`,
      "    _supports_attention_backend = True",
      "    _supports_flash_attn = True",
      "    _supports_flex_attn = True",
      // Its scores are not squeezed.
      `    _supports_sdpa = ${hasCap ? "False" : "True"}`,
      `    _can_record_outputs: ClassVar[dict] = {${recorded.join(", ")}}`,
      "",
      ...beginLines,
    ].join("\n");
  }

  /** Names of parameters in the stack's class have no prefix of it. */
  #baseClass(): string {
    const { stack, file } = { stack: this.#stack, file: this.#file };
    const modules = new Modules();
    const table = this.#tablePath();
    modules.add(table, `nn.Embedding(config.vocab_size, ${this.#width()})`, ["weight"]);
    const results = [stack.hidden, ...(stack.pooled === undefined ? [] : [stack.pooled])];
    const body = this.#body(modules, stack.prefix === undefined ? "" : `${stack.prefix}.`, results, [
      [stack.embedding.results[0]!, "inputs_embeds"],
      ...stack.types.map((each) => [each.value, TYPES] as const),
    ]);
    body.write(INDENT);
    const [hidden, pooled] = results.map((value) => body.read(value));
    const parts = [
      `last_hidden_state=${hidden!}`,
      ...(pooled === undefined ? [] : [`pooler_output=${pooled}`]),
      ...(stack.causal ? ["cache=cache"] : []),
    ];
    const made = modules.lines();
    file.noteGroups(modules);
    const types = stack.types.map(() => `${TYPES}=None`);
    const taken = [
      "self",
      "input_ids=None",
      "attention_mask=None",
      "position_ids=None",
      ...types,
      "inputs_embeds=None",
    ];
    const caching = stack.causal ? ["cache=None", "use_cache=None"] : [];
    const access = Modules.access(table);
    return [
      `class ${this.#name}Model(${this.#name}PreTrainedModel):`,
      "    def __init__(self, config):",
      "        super().__init__(config)",
      ...made,
      "        self.post_init()",
      "",
      "    def get_input_embeddings(self):",
      `        return ${access}`,
      "",
      "    def set_input_embeddings(self, value):",
      `        ${access} = value`,
      "",
      ...(stack.causal ? [`    @deprecate_kwarg("past_key_values", "6.0.0", new_name="cache")`] : []),
      "    @merge_with_config_defaults",
      "    @capture_outputs",
      `    def forward(${[...taken, ...caching, HANDED].join(", ")}):`,
      ...this.#beginning(access),
      ...body.lines,
      `${INDENT}return ${this.#outputClass()}(${parts.join(", ")})`,
    ].join("\n");
  }

  #outputClass(): string {
    const { causal, pooled } = this.#stack;
    if (pooled !== undefined) return `BaseModelOutputWithPooling${causal ? "AndCrossAttentions" : ""}`;
    return causal ? "BaseModelOutputWithPast" : "BaseModelOutput";
  }

  /** What is there before the first layer: embeddings, positions, the mask, cosines. */
  #beginning(access: string): readonly string[] {
    const { stack, file } = { stack: this.#stack, file: this.#file };
    const shape = stack.tokens.value.type.shape.map((size) => size.key);
    const needed = shape.map((name) => (file.topExtras.has(name) ? name : "_"));
    const other = [...file.topExtras].filter((name) => file.graph.symbols.some((each) => each.name === name));
    if (other.some((name) => !shape.includes(name)))
      throw new Refused(
        "stack",
        `the size ${other.find((name) => !shape.includes(name))!}, which is none of the tokens`,
      );
    const filled = stack.types.flatMap((each) => {
      return [
        `${INDENT}if ${TYPES} is None:`,
        `${INDENT}    ${TYPES} = torch.full_like(position_ids, ${number(each.fill!)})`,
      ];
    });
    return [
      `${INDENT}if (input_ids is None) == (inputs_embeds is None):`,
      `${INDENT}    raise ValueError("give either input_ids or inputs_embeds")`,
      `${INDENT}if inputs_embeds is None:`,
      `${INDENT}    inputs_embeds = ${access}(input_ids)`,
      ...(stack.causal
        ? [
            `${INDENT}if use_cache and cache is None:`,
            `${INDENT}    cache = DynamicCache(config=self.config)`,
            `${INDENT}past = 0 if cache is None else cache.get_seq_length()`,
          ]
        : []),
      `${INDENT}if position_ids is None:`,
      `${INDENT}    position_ids = torch.arange(inputs_embeds.shape[1], device=inputs_embeds.device).unsqueeze(0)${stack.causal ? " + past" : ""}`,
      ...filled,
      ...(needed.every((name) => name === "_")
        ? []
        : [`${INDENT}${needed.join(", ")} = inputs_embeds.shape[:2]`]),
      ...maskLines(this.#stack),
      ...file.once.hoistedLines(INDENT),
    ];
  }

  #headClass(head: Head): string {
    const modules = new Modules();
    const { hidden, pooled } = this.#stack;
    const given = [
      [hidden, "x"] as const,
      ...(pooled === undefined ? [] : [[pooled, "out.pooler_output"] as const]),
    ];
    const results = head.outputs.map(({ value }) => value);
    const body = this.#body(
      modules,
      "",
      results,
      given,
      new Set([hidden, ...(pooled === undefined ? [] : [pooled])]),
    );
    body.write(INDENT);
    const read = results.map((value) => body.read(value));
    const made = modules.lines();
    this.#file.noteGroups(modules);
    const isTied = this.#settings.tie_word_embeddings;
    const tiedTo = `${this.#prefix}.${this.#tablePath()}.weight`;
    const layer = isTied ? tiedLayer(this.#stack).name : head.layer;
    const outputs = layer === undefined ? "" : Modules.access(layer);
    const name = `${this.#name}${head.suffix}`;
    return [
      ...head.declared(name),
      `class ${name}(${this.#name}PreTrainedModel${head.generates ? ", GenerationMixin" : ""}):`,
      ...(isTied
        ? [`    _tied_weights_keys: ClassVar[dict] = {${text(`${layer}.weight`)}: ${text(tiedTo)}}`]
        : []),
      ...(head.generates && layer !== undefined
        ? [`    _tp_plan: ClassVar[dict] = {${text(layer)}: "colwise_gather_output"}`]
        : []),
      ...(isTied || head.generates ? [""] : []),
      "    def __init__(self, config):",
      "        super().__init__(config)",
      `        self.${this.#prefix} = ${this.#name}Model(config)`,
      ...made,
      "        self.post_init()",
      "",
      ...(layer !== undefined
        ? [
            "    def get_output_embeddings(self):",
            `        return ${outputs}`,
            "",
            "    def set_output_embeddings(self, value):",
            `        ${outputs} = value`,
            "",
          ]
        : []),
      "    @can_return_tuple",
      ...head.forward({ base: `self.${this.#prefix}`, name, lines: body.lines, results: read }),
    ].join("\n");
  }

  #body(
    modules: Modules,
    prefix: string,
    results: readonly Value[],
    given: readonly (readonly [Value, string])[],
    until: ReadonlySet<Value> = new Set(),
  ): Body {
    const parts = partsFor(this.#parts, results, until);
    const { embedding } = this.#stack;
    return new Body({
      file: this.#file,
      graph: this.#stack.graph,
      modules,
      prefix,
      parts: parts.filter((part) => part !== embedding),
      results,
      extras: this.#file.topExtras,
      given: new Map(given),
    });
  }

  #tablePath(): string {
    const { graph, embedding, prefix } = this.#stack;
    const { table } = embedding.operands;
    const name = graph.parameters.find(({ value }) => value === table)?.name;
    if (name?.endsWith(".weight") !== true)
      throw new Refused("name", "a table of tokens whose name does not end with weight", embedding);
    return name.slice(prefix === undefined ? 0 : prefix.length + 1, -".weight".length);
  }

  #width(): number {
    return constantDim(this.#stack.embedding.operands.table.type.shape[1]!)!;
  }
}
