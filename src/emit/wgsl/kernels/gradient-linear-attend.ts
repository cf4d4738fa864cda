import type { StepOf } from "../../../plan/plan.ts";
import { addDims, dim, multiplyDims, productOfDims, type Dim } from "../../../tensor/dim.ts";
import { SCRATCH, type Context, type Dispatch, type WgslKernel } from "../kernel.ts";
import { forLoop, ifThen } from "../text.ts";
import { Heads } from "./linear-attend.ts";

type Step = StepOf<"linear_attend_grad">;

/**
 * Five stages. A column of S an invocation, forward: the states of all positions and what is new at each; a column backward:
 * the gradient of v and, left for the others, those of the states; then all positions side by side: the gradients of q and
 * k, of decay and beta, and of the state before the first.
 */
export const linear_attend_grad: WgslKernel<"linear_attend_grad"> = (step, context) =>
  [forward, backward, ofKeys, ofScalars, ofState].map((stage, at) => stage(step, context, at));

type Stage = (step: Step, context: Context, stage: number) => Dispatch;

/**
 * What the stages leave for each other: of each head, in rows of channels of the values, the gradients of the states after
 * all positions, the states before and after these, and what is new at each.
 */
const leftSize = ({ operands: { k, v } }: Step): Dim => {
  const [batch, heads, rows, width] = v.type.shape as readonly [Dim, Dim, Dim, Dim];
  const keys = k.type.shape[3]!;
  const states = multiplyDims(addDims(multiplyDims(rows, dim(2)), dim(1)), keys);
  return productOfDims([batch, heads, addDims(states, rows), width]);
};

const leftAt = (row: string): string =>
  `${SCRATCH}[((b * heads + h) * ((2u * rows + 1u) * keys + rows) + ${row}) * width + j]`;

const BEFORE = leftAt("(rows + t) * keys + i");
const AFTER = leftAt("(rows + t + 1u) * keys + i");
const ERROR = leftAt("(2u * rows + 1u) * keys + t");
/** The gradient of the state after a position. */
const backAt = (t: string): string => leftAt(`${t} * keys + i`);

const forward: Stage = (step, context, stage) => {
  const { operands } = step;
  const { k, v, decay, beta, state } = operands;
  const heads = new Heads(operands, { k, v, decay, beta, state }, {}, context);
  const { at } = heads;
  heads.builder.scratchBetween(leftSize(step));
  const body = [
    ...heads.each(["b", "h", "j"]),
    ...heads.group,
    ...forLoop("i", "keys", [`${leftAt("rows * keys + i")} = ${heads.first};`]),
    ...forLoop("t", "rows", [
      ...heads.fallOfRow,
      ...heads.change(BEFORE),
      `${ERROR} = error;`,
      ...forLoop("i", "keys", [`${AFTER} = ${heads.fall} * ${BEFORE} + ${at("k", "b g t i")} * change;`]),
    ]),
  ];
  return heads.finish(
    "linear_attend_states",
    "The states of all positions. A column an invocation.",
    body,
    stage,
  );
};

const backward: Stage = (step, context, stage) => {
  const { operands, results } = step;
  const { grad, grad_state, q, k, decay, beta } = operands;
  const heads = new Heads(operands, { grad, grad_state, q, k, decay, beta }, { of_v: results[2]! }, context);
  const { at, put } = heads;
  heads.builder.scratchBetween(leftSize(step));
  const body = [
    ...heads.each(["b", "h", "j"]),
    ...heads.group,
    ...forLoop("i", "keys", [
      `${backAt("(rows - 1u)")} = ${grad_state !== undefined ? at("grad_state", "b h i j") : "0.0"};`,
    ]),
    ...forLoop("later", "rows", [
      "let t = rows - 1u - later;",
      ...heads.fallOfRow,
      "var of_change = 0.0;",
      ...forLoop("i", "keys", [
        `let back = ${backAt("t")} + ${at("q", "b g t i")} * ${at("grad", "b h t j")};`,
        `${backAt("t")} = back;`,
        `of_change += ${at("k", "b g t i")} * back;`,
      ]),
      `let of_value = ${heads.has("beta") ? `${at("beta", "b h t")} * ` : ""}of_change;`,
      put("of_v", "b h t j", "of_value"),
      ...ifThen("t > 0u", [
        ...forLoop("i", "keys", [
          `${backAt("(t - 1u)")} = ${heads.fall} * (${restOf(heads, "t", () => "of_value")});`,
        ]),
      ]),
    ]),
  ];
  const doc = "The gradients of v and of the states. A column an invocation.";
  return heads.finish("linear_attend_back", doc, body, stage);
};

/** The gradient of the state before k was added to it, but after it fell. */
const restOf = (heads: Heads, t: string, ofValue: () => string): string =>
  `${backAt(t)}${heads.has("beta") ? ` - ${heads.at("k", `b g ${t} i`)} * ${ofValue()}` : ""}`;

const ofKeys: Stage = (step, context, stage) => {
  const { operands, results } = step;
  const { grad } = operands;
  // Kernels bind what they read, and no more.
  const ofBeta = operands.beta && { decay: operands.decay, beta: operands.beta, of_v: results[2]! };
  const [ofQ, ofK] = results;
  const heads = new Heads(operands, { grad, ...ofBeta }, { of_q: ofQ!, of_k: ofK! }, context);
  const { at, put } = heads;
  heads.builder.leftBefore(leftSize(step));
  const change = `${heads.has("beta") ? `${at("beta", "b h t")} * ` : ""}${ERROR}`;
  const taken = `${backAt("t")} * ${change}`;
  const forgotten = (): string => ` - ${at("of_v", "b h t j")} * ${heads.fall} * ${BEFORE}`;
  const body = [
    ...heads.each(["b", "g", "t", "i"]),
    "var of_query = 0.0;",
    "var of_key = 0.0;",
    ...forLoop("m", "members", [
      "let h = g * members + m;",
      ...(heads.has("beta") ? heads.fallOfRow : []),
      ...forLoop("j", "width", [
        `of_query += ${AFTER} * ${at("grad", "b h t j")};`,
        `of_key += ${taken}${heads.has("beta") ? forgotten() : ""};`,
      ]),
    ]),
    put("of_q", "b g t i", "of_query"),
    put("of_k", "b g t i", "of_key"),
  ];
  return heads.finish(
    "linear_attend_keys",
    "The gradients of q and k. An element an invocation.",
    body,
    stage,
  );
};

const ofScalars: Stage = (step, context, stage) => {
  const { operands, results } = step;
  const { k, decay, beta } = operands;
  const [, , ofV, ofDecay, ofBeta] = results;
  const ofValue = beta && { of_v: ofV! };
  const heads = new Heads(
    operands,
    { k, decay, ...ofValue },
    { of_decay: ofDecay!, of_beta: ofBeta! },
    context,
  );
  const { at, put } = heads;
  heads.builder.leftBefore(leftSize(step));
  const body = [
    ...heads.each(["b", "h", "t"]),
    ...heads.group,
    ...heads.fallOfRow,
    "var beta_sum = 0.0;",
    "var fall_sum = 0.0;",
    ...forLoop("i", "keys", [
      "var row_sum = 0.0;",
      ...forLoop("j", "width", [
        `beta_sum += ${at("k", "b g t i")} * ${backAt("t")} * ${ERROR};`,
        `row_sum += (${restOf(heads, "t", () => at("of_v", "b h t j"))}) * ${heads.fall} * ${BEFORE};`,
      ]),
      heads.isByChannel ? put("of_decay", "b h t i", "row_sum") : "fall_sum += row_sum;",
    ]),
    ...(heads.isByChannel ? [] : [put("of_decay", "b h t", "fall_sum")]),
    put("of_beta", "b h t", "beta_sum"),
  ];
  return heads.finish(
    "linear_attend_scalars",
    "The gradients of decay and beta. A position an invocation.",
    body,
    stage,
  );
};

const ofState: Stage = (step, context, stage) => {
  const { operands, results } = step;
  const { k, decay, beta } = operands;
  const ofBeta = beta && { k, of_v: results[2]! };
  const heads = new Heads(operands, { decay, ...ofBeta }, { of_state: results[5]! }, context);
  heads.builder.leftBefore(leftSize(step));
  const body = [
    ...heads.each(["b", "h", "i", "j"]),
    ...heads.group,
    "let t = 0u;",
    ...heads.fallOfRow,
    heads.put(
      "of_state",
      "b h i j",
      `${heads.fall} * (${restOf(heads, "t", () => heads.at("of_v", "b h t j"))})`,
    ),
  ];
  return heads.finish(
    "linear_attend_first",
    "The gradient of the first state. An element an invocation.",
    body,
    stage,
  );
};
