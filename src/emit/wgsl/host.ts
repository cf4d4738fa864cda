import { operandViews, type Plan } from "../../plan/plan.ts";
import type { Code } from "../../support/text.ts";
import { constantDim, renderDim, type Dim } from "../../tensor/dim.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { showShape } from "../../tensor/type.ts";
import { stepComment } from "../ts/comments.ts";
import { keyText } from "../ts/runtime/types.ts";
import { commentText, identifier, literal, numberText } from "../ts/text.ts";
import type { Groups } from "./kernel.ts";
import {
  bindingName,
  elementBytes,
  memoryName,
  type NamedDispatch,
  type Program,
  type ProgramStep,
} from "./program.ts";

/** A size as JavaScript over the object `d` of run-time dims. */
export const sizeText = (size: Dim): string =>
  renderDim(size, {
    symbol: (name) => `d.${identifier(name)}`,
    floorDiv: (of, by) => `Math.floor((${of}) / ${by})`,
  }).replaceAll("*", " * ");

const byDims = (text: string): string => `${text.includes("d.") ? "(d)" : "()"} => ${text}`;

/** The shaders, each once, by name. */
export const kernelTable = ({ kernels }: Program): string[] => [
  "/** The shaders, each with one entry point of its name. */",
  "const kernels = {",
  ...kernels.flatMap(({ name, text }) => [
    `  ${name}: /* wgsl */ \``,
    ...text.trimEnd().replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${").split("\n"),
    "`,",
  ]),
  "}« as const»;",
  "",
  "«type KernelName = keyof typeof kernels;»",
  "",
  "/** Kernels that read run-time dims: their first binding is the block of them. */",
  `const readsDims«: ReadonlySet<string>» = new Set([${kernels
    .filter(({ kernel }) => kernel.readsDims)
    .map(({ name }) => literal(name))
    .join(", ")}]);`,
];

/** `const steps = [ … ]`, a comment and an entry a step. */
export const stepTable = (
  name: "prepare" | "steps",
  doc: string,
  list: readonly ProgramStep[],
  program: Program,
): Code[] => [
  `/** ${doc} */`,
  `const ${name}«: readonly Step[]» = [`,
  list.flatMap((step) => [
    stepComment(step.step),
    "{",
    [
      `place: ${literal(placeText(step))},`,
      "dispatches: [",
      step.dispatches.flatMap((dispatch) => ["{", dispatchLines(dispatch, program), "},"]),
      "],",
    ],
    "},",
  ]),
  "];",
];

/** `h.0.ln_1 (gpt2.lmg:9)`, as errors name a step. */
export function placeText({ step }: ProgramStep): string {
  const comment = stepComment(step).slice(3);
  const [place, rest] = comment.includes("  ") ? comment.split("  ") : [undefined, comment];
  const label = step.origin.label === "" ? rest.split(" → ")[0]! : commentText(step.origin.label);
  return place === undefined ? label : `${label} (${place})`;
}

function dispatchLines(dispatch: NamedDispatch, { plan, target }: Program): string[] {
  const { kernelName, constants, bindings, groups, when, parts } = dispatch;
  const values = Object.entries(constants).map(([name, value]) => `${name}: ${value}`);
  const memory = bindings.map((binding) => literal(bindingName(plan, binding)));
  const lines = [
    `kernel: ${literal(kernelName)},`,
    `constants: {${values.length === 0 ? "" : ` ${values.join(", ")} `}},`,
    `memory: [${memory.join(", ")}],`,
    `groups: ${groupsText(groups, parts?.along === true)},`,
  ];
  if (when !== undefined) lines.push(`when: ${byDims(`${sizeText(when.size)} <= ${when.atMost}`)},`);
  if (parts !== undefined) {
    const rowBytes = parts.rowElements * elementBytes(plan, bindings[parts.binding]!.buffer, target);
    lines.push(`parts: { binding: ${parts.binding}, rows: ${parts.rows}, rowBytes: ${rowBytes} },`);
  }
  return lines;
}

/** The first axis of a matrix in parts walks the rows of the part. */
function groupsText(groups: Groups, byRows: boolean): string {
  if (groups.kind === "list") return byDims(`list(${sizeText(groups.count)}, ${groups.per})`);
  const axes = groups.axes.map(({ count, per }, axis) => {
    const text = byRows && axis === 0 ? "rows" : sizeText(count);
    if (text === "rows") return `share(rows, ${per})`;
    const known = constantDim(count);
    if (known !== undefined) return String(Math.ceil(known / per));
    return per === 1 ? text : `share(${text}, ${per})`;
  });
  const text = `[${axes.join(", ")}]`;
  return byRows ? `(${text.includes("d.") ? "d" : "_d"}, rows) => ${text}` : byDims(text);
}

/** The tables that say what memory there is, and what it holds. */
export function memoryTables(program: Program): Code[] {
  const { plan, target } = program;
  const slots = plan.slots.map(({ sizes }, slot) => {
    const bytes = Math.max(
      ...plan.buffers.map(({ home }, buffer) =>
        home.kind === "slot" && home.slot === slot ? elementBytes(plan, buffer, target) : 0,
      ),
    );
    const texts = sizes.map((size) => sizeText(size));
    const elements = texts.length === 1 ? texts[0]! : `Math.max(${texts.join(", ")})`;
    return `{ name: "slot ${slot}", bytes: ${byDims(`${bytes} * (${elements})`)} },`;
  });
  const outputs = plan.outputs.map(({ buffer }) => {
    const bytes = `${elementBytes(plan, buffer, target)} * (${sizeText(plan.buffers[buffer]!.elements)})`;
    return `{ name: ${literal(memoryName(plan, buffer))}, bytes: ${byDims(bytes)}, isOutput: true },`;
  });
  const prepared = plan.buffers.flatMap((buffer, index) =>
    buffer.home.kind === "prepared"
      ? [
          `[${literal(buffer.name)}, ${elementBytes(plan, index, target) * (constantDim(buffer.elements) ?? 0)}],`,
        ]
      : [],
  );
  return [
    "/** Memory of the runs: tensors that are never alive together share a slot. */",
    "const runMemory«: readonly Memory[]» = [",
    [...slots, ...outputs],
    "];",
    "",
    "/** What is made of the weights once, in bytes. */",
    "const preparedMemory«: readonly (readonly [string, number])[]» = [",
    prepared,
    "];",
    "",
    "/** Vectors that lie one after the other, as a shader binds few buffers: each from an even place. */",
    "const packs«: readonly { readonly name: string; readonly parts: readonly string[] }[]» = [",
    packLines(program),
    "];",
    "",
    "/** Weights that only those are made of. */",
    `const spentWeights«: readonly string[]» = [${spentWeights(program).map(literal).join(", ")}];`,
  ];
}

function packLines({ plan, prepare, steps }: Program): string[] {
  const packs = new Map<string, string>();
  for (const { dispatches } of [...prepare, ...steps])
    for (const binding of dispatches.flatMap(({ bindings }) => bindings)) {
      if (binding.pack === undefined) continue;
      const parts = binding.pack.map((buffer) => literal(memoryName(plan, buffer)));
      const name = bindingName(plan, binding);
      packs.set(name, `{ name: ${literal(name)}, parts: [${parts.join(", ")}] },`);
    }
  return [...packs.values()];
}

function spentWeights({ plan, prepare, steps }: Program): string[] {
  const read = new Set(steps.flatMap(({ step }) => operandViews(step).map(({ buffer }) => buffer)));
  const spent = new Set(prepare.flatMap(({ step }) => operandViews(step).map(({ buffer }) => buffer)));
  return [...spent].filter((buffer) => !read.has(buffer)).map((buffer) => plan.buffers[buffer]!.name);
}

/** The function that brings parameters and constants to the device. */
export function uploadFunction({ plan }: Program): Code[] {
  const read = plan.parameters.filter(({ buffer }) => buffer !== undefined);
  const parameters = read.map(({ name, buffer }) => {
    const kind = isFloat(plan.buffers[buffer!]!.dtype) ? "floats" : "ints";
    return `[${literal(plan.buffers[buffer!]!.name)}, ${kind}(tensors, ${literal(name)})],`;
  });
  const constants = plan.buffers.flatMap(({ name, dtype, home }) =>
    home.kind === "constant"
      ? [
          `[${literal(name)}, ${isFloat(dtype) ? "Float32Array" : "Int32Array"}.of(${home.values.map(numberText).join(", ")})],`,
        ]
      : [],
  );
  const entries = [...parameters, ...constants];
  return [
    "/** What the device holds from the start. */",
    `function givenTensors(${parameters.length === 0 ? "_tensors" : "tensors"}«: Map<string, Tensor>»)«: [string, Float32Array | Int32Array][]» {`,
    ["return [", entries, "];"],
    "}",
  ];
}

const accessOf = (name: string): string => {
  const key = keyText(name);
  return key === name ? `inputs.${name}` : `inputs[${key}]`;
};

/** The function that checks the inputs' shapes and finds the run-time dims. */
export function dimsFunction(plan: Plan): Code[] {
  const lines: string[] = [];
  const bound = new Set<string>();
  const required = plan.inputs.filter(({ fill }) => fill === undefined);
  for (const { name, type } of [...required, ...plan.inputs.filter((input) => !required.includes(input))])
    type.shape.forEach((size, axis) => {
      const symbol = plan.symbols.find((candidate) => candidate.name === size.key);
      if (symbol === undefined || bound.has(symbol.name)) return;
      bound.add(symbol.name);
      const local = identifier(symbol.name);
      lines.push(
        `const ${local} = inputSize(${literal(name)}, ${accessOf(name)}, ${axis}, ${literal(showShape(type.shape))});`,
      );
      if (symbol.max === undefined) return;
      lines.push(
        `if (${local} > ${symbol.max}) throw new InputError(${literal(`${symbol.name} is at most ${symbol.max}, got `)} + ${local});`,
      );
    });
  return [
    "/** The run-time dims, from the shapes of the inputs. */",
    "function bindDims(inputs«: Inputs»)«: Dims» {",
    [
      `checkInputNames(inputs, [${plan.inputs.map(({ name }) => literal(name)).join(", ")}]);`,
      ...lines,
      `return {${bound.size === 0 ? "" : ` ${[...bound].map(identifier).join(", ")} `}};`,
    ],
    "}",
  ];
}

/** The function that reads the inputs, checked, as they go to the device. */
export function inputsFunction(program: Program): Code[] {
  const { plan } = program;
  const limits = idLimits(program);
  const lines = plan.inputs.map(({ name, type, fill, buffer }) => {
    const array = isFloat(type.dtype) ? "Float32Array" : "Int32Array";
    const size = sizeText(plan.buffers[buffer]!.elements);
    const shape = type.shape.map((axis) => sizeText(axis)).join(", ");
    const filled = fill === undefined ? "undefined" : numberText(fill);
    const local = identifier(name);
    const limit = limits.get(buffer);
    return [
      `const ${local} = new ${array}(${size});`,
      `readInput(${literal(name)}, ${accessOf(name)}, ${literal(showShape(type.shape))}, [${shape}], ${filled}, ${local}, 0);`,
      ...(limit === undefined ? [] : [`checkIds(${literal(name)}, ${local}, ${limit});`]),
    ];
  });
  const entries = plan.inputs.map(
    ({ name, buffer }) => `[${literal(memoryName(plan, buffer))}, ${identifier(name)}],`,
  );
  const d = plan.symbols.length === 0 ? "_d" : "d";
  return [
    ...(limits.size === 0 ? [] : [...checkIds, ""]),
    "/** The inputs and the memory that they go to. */",
    `function readInputs(inputs«: Inputs», ${d}«: Dims»)«: [string, Float32Array | Int32Array][]» {`,
    [...lines.flat(), "return [", entries, "];"],
    "}",
  ];
}

const checkIds = [
  "/** A shader cannot refuse an id that is not in its table, so that is done before. */",
  "function checkIds(name«: string», ids«: ArrayLike<number>», rows«: number»)«: void» {",
  "  for (let i = 0; i < ids.length; i++)",
  "    if (!(ids[i]«!» >= 0 && ids[i]«!» < rows))",
  '      throw new InputError("the id " + ids[i] + " of " + name + " is not in a table of " + rows + " rows (0 to " + (rows - 1) + ")");',
  "}",
];

/** For inputs that are ids of a table or classes of a loss: how many there are. */
function idLimits({ plan }: Program): Map<number, number> {
  const inputs = new Set(plan.inputs.map(({ buffer }) => buffer));
  const limits = new Map<number, number>();
  const limit = (buffer: number, size: Dim): void => {
    const rows = constantDim(size);
    if (rows !== undefined && inputs.has(buffer))
      limits.set(buffer, Math.min(rows, limits.get(buffer) ?? Infinity));
  };
  for (const step of plan.steps) {
    if (step.op === "embedding") limit(step.operands.ids.buffer, step.operands.table.type.shape[0]!);
    else if ((step.op === "cross_entropy" && step.attrs.ignore === undefined) || step.op === "accuracy")
      limit(step.operands.targets.buffer, step.operands.logits.type.shape.at(-1)!);
  }
  return limits;
}

/** The lines of a run that make the results of what the device gives back. */
export const resultLines = ({ plan }: Program): Code[] => [
  "return {",
  plan.outputs.map(({ name, type, buffer }) => {
    const shape = type.shape.map((size) => sizeText(size)).join(", ");
    const bytes = `bytes.get(${literal(memoryName(plan, buffer))})«!»`;
    const count = sizeText(plan.buffers[buffer]!.elements);
    const data = isFloat(type.dtype)
      ? `loadedFloats(${bytes}, ${count})`
      : `new Int32Array(${bytes}, 0, ${count})`;
    return `${keyText(name)}: { data: ${data}, shape: [${shape}] },`;
  }),
  "};",
];
