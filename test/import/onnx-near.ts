import { elementTypes } from "../../src/checkpoint/onnx/schema.ts";
import { rawTensor, Small } from "./onnx-small.ts";

/** A graph by its numbers: what it is recognised as, or looks like. */
export interface Case {
  readonly name: string;
  readonly op: string;
  /** Whether it is that op, so that it has to be found; or only looks like it. */
  readonly is: boolean;
  readonly make: (model: Small) => string;
}

const table =
  <T>(op: string, make: (model: Small, options: T) => string) =>
  (rows: readonly (readonly [name: string, is: boolean, options: T])[]): readonly Case[] =>
    rows.map(([name, is, options]) => ({ name, op, is, make: (model) => make(model, options) }));

const WIDTH = 8;

interface NormForm {
  readonly axes?: readonly number[];
  readonly ofSample?: boolean;
  readonly epsAfter?: boolean;
  readonly epsTwice?: boolean;
  readonly other?: boolean;
  readonly epsSize?: readonly number[];
  readonly doubled?: boolean;
  readonly cubed?: boolean;
}

/** d / √(mean(d²) + ε) · w, and what is near to it. */
function normOf(m: Small, d: string, form: NormForm): string {
  const axes = m.ints(...(form.axes ?? [-1]));
  const square = m.op("Pow", [form.other === true ? "x" : d, m.number(form.cubed === true ? 4 : 2)]);
  const variance =
    form.ofSample === true
      ? m.op("Div", [m.op("ReduceSum", [square, axes]), m.number(WIDTH - 1)])
      : m.op("ReduceMean", [square, axes]);
  const eps = m.number(0.01, form.epsSize ?? []);
  const shifted = form.epsAfter === true ? variance : m.op("Add", [variance, eps]);
  let root = m.op("Sqrt", [form.doubled === true ? m.op("Mul", [shifted, m.number(2)]) : shifted]);
  if (form.epsAfter === true || form.epsTwice === true) root = m.op("Add", [root, eps]);
  return m.op("Mul", [m.op("Div", [d, root]), m.weight("norm.weight", [WIDTH])]);
}

const centred = (m: Small, axes: readonly number[]): string => {
  const x = m.input("x", ["B", "T", WIDTH]);
  return m.op("Sub", [x, m.op("ReduceMean", [x, m.ints(...axes)])]);
};

const rms = table<NormForm>("rms_norm", (m, form) => normOf(m, m.input("x", ["B", "T", WIDTH]), form))([
  ["as it is", true, {}],
  ["over the axis before the last", false, { axes: [1] }],
  ["over two axes", false, { axes: [1, 2] }],
  ["of a sample", false, { ofSample: true }],
  ["eps behind the root", false, { epsAfter: true }],
  ["eps twice", false, { epsTwice: true }],
  ["eps as a vector", false, { epsSize: [WIDTH] }],
  ["fourth powers", false, { cubed: true }],
  ["twice the mean", false, { doubled: true }],
]);

const layer = table<NormForm & { readonly meanAxes?: readonly number[] }>("layer_norm", (m, form) =>
  m.op("Add", [normOf(m, centred(m, form.meanAxes ?? [-1]), form), m.weight("norm.bias", [WIDTH])]),
)([
  ["as it is", true, {}],
  ["its mean over another axis", false, { meanAxes: [1] }],
  ["its variance over another axis", false, { axes: [1] }],
  ["the variance of a sample", false, { ofSample: true }],
  ["eps behind the root", false, { epsAfter: true }],
  ["eps twice", false, { epsTwice: true }],
  ["squares that are not of the difference", false, { other: true }],
]);

interface GeluForm {
  readonly outer?: number;
  readonly inner?: number;
  readonly plus?: number;
  readonly other?: boolean;
  readonly size?: readonly number[];
}

/** c · x · (1 + erf(x / √2)). */
const gelu = table<GeluForm>("gelu", (m, form) => {
  const x = m.input("x", ["B", WIDTH]);
  const inner = form.other === true ? m.op("Abs", [x]) : x;
  const erf = m.op("Erf", [m.op("Div", [inner, m.number(form.inner ?? Math.SQRT2)])]);
  const sum = m.op("Add", [erf, m.number(form.plus ?? 1)]);
  const half =
    form.size === undefined
      ? m.number(form.outer ?? 0.5)
      : m.op("ConstantOfShape", [m.ints(...form.size)], { value: rawTensor("", "f32", [1], [0.5]) });
  return m.op("Mul", [m.op("Mul", [x, sum]), half]);
})([
  ["as it is", true, {}],
  ["divided by 1.4", false, { inner: 1.4 }],
  ["without half", false, { outer: 1 }],
  ["less one", false, { plus: -1 }],
  ["of another value inside", false, { other: true }],
  ["half as a tensor with more axes", false, { size: [3, 1, 1] }],
]);

/** 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))). */
const geluTanh = table<{ readonly cubic?: number; readonly root?: number; readonly power?: number }>(
  "gelu_tanh",
  (m, form) => {
    const x = m.input("x", ["B", WIDTH]);
    const cubic = m.op("Mul", [
      m.op("Pow", [x, m.number(form.power ?? 3)]),
      m.number(form.cubic ?? 0.044715),
    ]);
    const inner = m.op("Mul", [m.op("Add", [x, cubic]), m.number(form.root ?? Math.sqrt(2 / Math.PI))]);
    const sum = m.op("Add", [m.op("Tanh", [inner]), m.number(1)]);
    return m.op("Mul", [m.op("Mul", [x, m.number(0.5)]), sum]);
  },
)([
  ["as it is", true, {}],
  ["0.04471 for 0.044715", false, { cubic: 0.04471 }],
  ["0.7978 for the root", false, { root: 0.7978 }],
  ["a square for the cube", false, { power: 2 }],
]);

/** x · sigmoid(c x). */
const silu = table<{ readonly by?: number; readonly other?: boolean }>("silu", (m, { by, other }) => {
  const x = m.input("x", ["B", WIDTH]);
  const inner = by === undefined ? x : m.op("Mul", [x, m.number(by)]);
  return m.op("Mul", [other === true ? m.op("Neg", [x]) : x, m.op("Sigmoid", [inner])]);
})([
  ["as it is", true, {}],
  ["of 1.702 x, the quick one", false, { by: 1.702 }],
  ["times -x", false, { other: true }],
]);

interface GemmForm {
  readonly transB?: number;
  readonly transA?: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly bias?: readonly number[];
}

const gemm = table<GemmForm>("linear", (m, { bias = [WIDTH], ...form }) => {
  const x = m.input("x", form.transA === 1 ? [WIDTH, 3] : ["B", WIDTH]);
  return m.op("Gemm", [x, m.weight("fc.weight", [WIDTH, WIDTH]), m.weight("fc.bias", bias)], { ...form });
})([
  ["a weight [N, K]", true, { transB: 1 }],
  ["a weight [K, N]", true, { transB: 0 }],
  ["alpha of 2", true, { transB: 1, alpha: 2 }],
  ["beta of 2", true, { transB: 1, beta: 2 }],
  ["alpha and beta", true, { transB: 0, alpha: 0.5, beta: -1 }],
  ["rows that are turned", true, { transA: 1, transB: 1 }],
  ["a bias of one number", true, { transB: 1, bias: [1] }],
  ["a bias of one row", true, { transB: 1, bias: [1, WIDTH] }],
]);

const HEAD = 4;
const ROWS = 5;

interface AttendForm {
  readonly axis?: number;
  readonly scale?: number;
  readonly fill?: number;
  /** Whether row i sees key j. */
  readonly sees?: (row: number, key: number) => boolean;
  readonly maskRows?: number;
  readonly keys?: number;
  readonly afterSoftmax?: boolean;
  readonly scaleAfterMask?: boolean;
  readonly isAdded?: boolean;
  readonly isWeight?: boolean;
  /** The mask as numbers that are added, of the file or of a node. */
  readonly listed?: "tensor" | "node";
  readonly repeated?: boolean;
  readonly biased?: boolean;
  readonly biasedBefore?: boolean;
}

/** softmax(where(mask, q kᵀ · scale, -∞)) v. */
function attendOf(m: Small, form: AttendForm): string {
  const keys = form.keys ?? ROWS;
  const width = form.repeated === true ? 1 : HEAD;
  const repeat = (x: string): string =>
    form.repeated === true
      ? m.op("Mul", [x, m.op("ConstantOfShape", [m.ints(HEAD)], { value: rawTensor("", "f32", [1], [1.5]) })])
      : x;
  const q = repeat(m.input("q", ["B", 2, ROWS, width]));
  const k = repeat(m.input("k", ["B", 2, keys, width]));
  const v = m.input("v", ["B", 2, keys, HEAD]);
  const product = m.op("MatMul", [q, m.op("Transpose", [k], { perm: [0, 1, 3, 2] })]);
  const scaled = (x: string): string => m.op("Mul", [x, m.number(form.scale ?? 0.5)]);
  let scores = form.scaleAfterMask === true ? product : scaled(product);
  const bias = form.biased === true || form.biasedBefore === true ? m.input("bias", ["B", 1, 1, keys]) : "";
  if (form.biasedBefore === true) scores = m.op("Add", [scores, bias]);
  if (form.sees !== undefined) scores = hidden(m, scores, { ...form, sees: form.sees });
  if (form.scaleAfterMask === true) scores = scaled(scores);
  if (form.biased === true) scores = m.op("Add", [scores, bias]);
  let weights = m.op("Softmax", [scores], { axis: form.axis ?? -1 });
  if (form.afterSoftmax === true) weights = m.op("Mul", [weights, m.number(0.5)]);
  return m.op("MatMul", [weights, v]);
}

function hidden(
  m: Small,
  scores: string,
  form: AttendForm & { readonly sees: NonNullable<AttendForm["sees"]> },
): string {
  const [rows, keys] = [form.maskRows ?? ROWS, form.keys ?? ROWS];
  const values = Array.from({ length: rows * keys }, (_, at) =>
    Number(form.sees(Math.floor(at / keys), at % keys)),
  );
  if (form.listed !== undefined) {
    const list = rawTensor(
      "hidden",
      "f32",
      [rows, keys],
      values.map((value) => (value === 1 ? 0 : (form.fill ?? -Infinity))),
    );
    const added = form.listed === "tensor" ? m.tensor(list) : m.op("Constant", [], { value: list });
    return m.op("Add", [scores, added]);
  }
  const mask =
    form.isWeight === true
      ? m.op("Cast", [m.weight("mask", [rows, keys], values)], { to: elementTypes.bool })
      : m.tensor(rawTensor("mask", "bool", [rows, keys], values));
  const fill = m.number(form.fill ?? -Infinity);
  if (form.isAdded !== true) return m.op("Where", [mask, scores, fill]);
  return m.op("Add", [scores, m.op("Where", [mask, m.number(0), fill])]);
}

/** The lowest of float32, and a number of float32 that is as good as hidden. */
const [LOWEST, LOW] = [-3.4028234663852886e38, Math.fround(-1e30)];

const isCausal = (row: number, key: number): boolean => key <= row;

const attend = table<AttendForm>(
  "attend",
  attendOf,
)([
  ["without a mask", true, {}],
  ["scaled by 1", true, { scale: 1 }],
  ["scaled by -0.5", true, { scale: -0.5 }],
  ["with a mask of its own", true, { sees: (row, key) => key !== 1 || row === 1, isWeight: true }],
  ["softmax over rows", false, { axis: -2 }],
  ["softmax over heads", false, { axis: 1 }],
  ["weights that are halved", false, { afterSoftmax: true }],
  ["channels of one number each, which is repeated", false, { repeated: true }],
]);

const causalForms: readonly (readonly [string, boolean, AttendForm])[] = [
  ["as it is", true, { sees: isCausal }],
  ["added", true, { sees: isCausal, isAdded: true }],
  ["by the lowest number", true, { sees: isCausal, fill: LOWEST }],
  ["by the lowest number, added", true, { sees: isCausal, fill: LOWEST, isAdded: true }],
  ["a bias on -∞", true, { sees: isCausal, biased: true }],
  ["by -10", false, { sees: isCausal, fill: -10 }],
  ["by -10, added", false, { sees: isCausal, fill: -10, isAdded: true }],
  ["off by one", false, { sees: (row, key) => key <= row + 1 }],
  ["without the diagonal", false, { sees: (row, key) => key < row || key === 0 }],
  ["one later key let through", false, { sees: (row, key) => key <= row || (row === 1 && key === 3) }],
  ["one earlier key hidden", false, { sees: (row, key) => key <= row && !(row === 3 && key === 1) }],
  ["later keys alone", false, { sees: (row, key) => key >= row }],
  ["a window of two", true, { sees: (row, key) => key <= row && key > row - 2 }],
  ["the first row for all", false, { sees: isCausal, maskRows: 1 }],
  ["more keys than rows, counted from the first", false, { sees: isCausal, keys: 7 }],
  ["scaled behind the mask", false, { sees: isCausal, scaleAfterMask: true }],
  ["a bias as low as the hidden scores", false, { sees: isCausal, biased: true, fill: LOW }],
  ["the same, added", false, { sees: isCausal, biased: true, fill: LOW, isAdded: true }],
  ["that bias before the mask", false, { sees: isCausal, biasedBefore: true, fill: LOW }],
];

/** Masks as exporters write those that a model holds: numbers that are added. */
const listedForms: readonly (readonly [string, boolean, AttendForm])[] = [
  ["as it is", true, { sees: isCausal }],
  ["by the lowest number", true, { sees: isCausal, fill: LOWEST }],
  ["a window of two", true, { sees: (row, key) => key <= row && key > row - 2 }],
  ["by -10", false, { sees: isCausal, fill: -10 }],
  ["off by one", false, { sees: (row, key) => key <= row + 1 }],
  [
    "one later key let through, by the lowest number",
    false,
    { sees: (row, key) => key <= row || (row === 1 && key === 3), fill: LOWEST },
  ],
  ["the first row for all", false, { sees: isCausal, maskRows: 1 }],
  ["more keys than rows, counted from the first", false, { sees: isCausal, keys: 7 }],
];

const causal = [
  ...table<AttendForm>("causal attend", attendOf)(causalForms),
  ...(["tensor", "node"] as const).flatMap((listed) =>
    table<AttendForm>(
      "causal attend",
      attendOf,
    )(listedForms.map(([name, is, form]) => [`${name}, by a list (${listed})`, is, { ...form, listed }])),
  ),
  // A mask that is a weight is never words.
  ...table<AttendForm>(
    "causal attend",
    attendOf,
  )(causalForms.map(([name, , form]) => [`${name}, by a weight`, false, { ...form, isWeight: true }])),
];

interface PlacesForm {
  readonly shift?: number;
  readonly op?: string;
  readonly first?: boolean;
}

/** A causal mask that is compared of positions, for any number of rows. */
const places = table<PlacesForm>("causal attend", (m, form) => {
  const [q, k, v] = ["q", "k", "v"].map((name) => m.input(name, ["B", 2, "T", HEAD])) as [
    string,
    string,
    string,
  ];
  const length = m.op("Gather", [
    m.op("Shape", [q]),
    m.tensor({ name: "two", dims: [], dataType: 7, int64Data: [2] }),
  ]);
  const scalar = (value: number): string =>
    m.tensor({ name: `n${m.tensors.length}`, dims: [], dataType: 7, int64Data: [value] });
  const range = m.op("Range", [scalar(0), length, scalar(1)]);
  const shifted = form.shift === undefined ? range : m.op("Add", [range, scalar(form.shift)]);
  const rows = m.op("Unsqueeze", [shifted, m.ints(1)]);
  const one = form.first === true ? m.op("Slice", [rows, m.ints(0), m.ints(1), m.ints(0)]) : rows;
  const mask = m.op(form.op ?? "LessOrEqual", [range, one]);
  const product = m.op("MatMul", [q, m.op("Transpose", [k], { perm: [0, 1, 3, 2] })]);
  const scores = m.op("Mul", [product, m.number(0.5)]);
  const weights = m.op("Softmax", [m.op("Where", [mask, scores, m.number(-Infinity)])], { axis: -1 });
  return m.op("MatMul", [weights, v]);
})([
  ["positions that are compared", true, {}],
  ["positions one later", false, { shift: 1 }],
  ["the first position for all rows", false, { first: true }],
  ["equal positions alone", false, { op: "Equal" }],
  ["later positions", false, { op: "GreaterOrEqual" }],
]);

interface RopeForm {
  readonly swapped?: boolean;
  readonly first?: "neg" | "plain";
  readonly cosForSin?: boolean;
  readonly theta?: number;
  readonly bent?: boolean;
  readonly from?: number;
  readonly axesTurned?: boolean;
  readonly scaled?: number;
  readonly alongHeads?: boolean;
}

const PAIRS = 4;

/** x cos + concat(-x₂, x₁) sin of angles position · θ^(-2i/d). */
const rope = table<RopeForm>("rope", (m, form) => {
  const x = m.input("x", ["B", PAIRS, PAIRS, 2 * PAIRS]);
  const positions = Array.from({ length: PAIRS }, (_, at) => at + (form.from ?? 0));
  const numbers = positions.map((_, pair) => {
    const frequency = Math.fround((form.theta ?? 10000) ** (-pair / PAIRS));
    return form.bent === true && pair === 2 ? frequency * 1.001 : frequency;
  });
  const scalar = (value: number): string =>
    m.tensor({ name: `n${m.tensors.length}`, dims: [], dataType: 7, int64Data: [value] });
  const range = m.op("Range", [scalar(positions[0]!), scalar(positions.at(-1)! + 1), scalar(1)]);
  const places = m.op("Cast", [range], { to: 1 });
  const wide = m.op("Unsqueeze", [places, m.ints(form.axesTurned === true ? 0 : 1)]);
  const frequencies = m.weight("inv_freq", form.axesTurned === true ? [PAIRS, 1] : [1, PAIRS], numbers);
  const angles = m.op("Mul", [wide, frequencies]);
  const both = m.op("Concat", [angles, angles], { axis: 1 });
  const [cos, sin] = ["Cos", "Sin"].map((each) => {
    const values = m.op(each, [both]);
    return form.alongHeads === true ? m.op("Unsqueeze", [values, m.ints(1)]) : values;
  }) as [string, string];
  const part = (start: number): string => m.op("Slice", [x, m.ints(start), m.ints(start + PAIRS), m.ints(3)]);
  const [a, b] = [part(0), part(PAIRS)];
  const turned = m.op(
    "Concat",
    form.swapped === true
      ? [b, m.op("Neg", [a])]
      : form.first === "plain"
        ? [b, a]
        : form.first === "neg"
          ? [m.op("Neg", [a]), b]
          : [m.op("Neg", [b]), a],
    { axis: 3 },
  );
  const scale = (y: string): string =>
    form.scaled === undefined ? y : m.op("Mul", [y, m.number(form.scaled)]);
  return m.op("Add", [
    m.op("Mul", [x, scale(form.cosForSin === true ? sin : cos)]),
    m.op("Mul", [turned, scale(form.cosForSin === true ? cos : sin)]),
  ]);
})([
  ["as it is", true, {}],
  ["θ of 500000", true, { theta: 500000 }],
  ["turned the other way", false, { swapped: true }],
  ["halves that are only exchanged", false, { first: "plain" }],
  ["halves that are not exchanged", false, { first: "neg" }],
  ["sine for cosine", false, { cosForSin: true }],
  ["one frequency that is none of θ", false, { bent: true }],
  ["positions from 1", false, { from: 1 }],
  ["positions along channels", false, { axesTurned: true }],
  ["angles of heads", false, { alongHeads: true }],
  ["cosine and sine that are scaled", false, { scaled: 1.1 }],
]);

/** x / max(√Σx², ε). */
const l2 = table<{ readonly axis?: number; readonly ord?: string; readonly isMin?: boolean }>(
  "l2_norm",
  (m, form) => {
    const x = m.input("x", ["B", "T", WIDTH]);
    const sum = m.op(form.ord ?? "ReduceL2", [x, m.ints(form.axis ?? -1)]);
    return m.op("Div", [x, m.op(form.isMin === true ? "Min" : "Max", [sum, m.number(0.01)])]);
  },
)([
  ["as it is", true, {}],
  ["over another axis", false, { axis: 1 }],
  ["the sum of squares without its root", false, { ord: "ReduceSumSquare" }],
  ["the smaller of two", false, { isMin: true }],
]);

export const cases: readonly Case[] = [
  ...rms,
  ...layer,
  ...gelu,
  ...geluTanh,
  ...silu,
  ...gemm,
  ...attend,
  ...causal,
  ...places,
  ...rope,
  ...l2,
];
