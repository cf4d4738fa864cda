import type { quantizedOps } from "../../../src/ops/quantized.ts";
import { RandomStream } from "../../../src/tensor/random.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";
import { f32, i32 } from "../tensors.ts";
import type { CasesOf, OpCase } from "./case.ts";

interface Form {
  readonly bits: 4 | 5 | 8;
  readonly block: 16 | 32;
  readonly hasMinimums: boolean;
  readonly narrow?: boolean;
}

const forms: readonly Form[] = [
  { bits: 8, block: 32, hasMinimums: false },
  { bits: 8, block: 16, hasMinimums: true },
  { bits: 8, block: 32, hasMinimums: true, narrow: true },
  { bits: 8, block: 16, hasMinimums: false, narrow: true },
  { bits: 4, block: 32, hasMinimums: true },
  { bits: 4, block: 16, hasMinimums: true },
  { bits: 4, block: 32, hasMinimums: false },
  { bits: 5, block: 32, hasMinimums: false },
  { bits: 5, block: 16, hasMinimums: true },
];

const about = ({ bits, block, hasMinimums, narrow }: Form): string =>
  `${bits} bits${narrow === true ? " of -64 to 63" : ""} in blocks of ${block}${hasMinimums ? " with minimums" : ""}`;

const attrsOf = ({ bits, block, narrow = false }: Form) => ({ bits, block, narrow });

/** A matrix of codes that are drawn, the words in which they lie, and its elements. */
function matrix(rows: number, columns: number, { bits, block, hasMinimums, narrow }: Form) {
  const random = new RandomStream(rows, `${columns} ${bits} ${block}`);
  const size = rows * columns;
  const range = narrow === true ? 128 : 2 ** bits;
  const isSigned = bits === 8 || (bits === 5 && !hasMinimums);
  const codes = Array.from({ length: size }, () => random.below(range) - (isSigned ? range / 2 : 0));
  const number = (low: number, high: number): number => Math.fround(low + (high - low) * random.uniform());
  const scales = Array.from({ length: size / block }, () => number(0.01, 0.1));
  const minimums = Array.from({ length: size / block }, () => number(-1, 1));
  const words =
    bits === 5 ? fiveWords(codes.map((code) => code + (isSigned ? 16 : 0))) : plainWords(codes, bits);
  const elements = codes.map((code, index) => {
    const at = Math.floor(index / block);
    return scales[at]! * code + (hasMinimums ? minimums[at]! : 0);
  });
  return {
    elements,
    operands: {
      codes: i32([rows, (columns * bits) / 32], words),
      scales: f32([rows, columns / block], scales),
      minimums: hasMinimums ? f32([rows, columns / block], minimums) : undefined,
    },
  };
}

/** The first code in the lowest bits. */
const plainWords = (codes: readonly number[], bits: number): number[] =>
  Array.from({ length: (codes.length * bits) / 32 }, (_, word) =>
    codes
      .slice((word * 32) / bits, ((word + 1) * 32) / bits)
      .reduce((all, code, place) => all | ((code & (2 ** bits - 1)) << (bits * place)), 0),
  );

/** Of each 32 codes four words of lower bits, then one of fifth bits: of codes 0, 1, 8, 9, 16, 17, 24 and 25, then of those two further on. */
const fiveWords = (codes: readonly number[]): number[] =>
  Array.from({ length: codes.length / 32 }, (_, unit) => codes.slice(32 * unit, 32 * unit + 32)).flatMap(
    (own) => {
      const order = [0, 2, 4, 6].flatMap((k) => [0, 8, 16, 24].flatMap((word) => [word + k, word + k + 1]));
      return [
        ...plainWords(own, 4),
        order.reduce((all, code, place) => all | ((own[code]! >> 4) << place), 0),
      ];
    },
  );

const dequantize = (form: Form): OpCase<"dequantize"> => {
  const { elements, operands } = matrix(5, 64, form);
  return { about: about(form), operands, attrs: attrsOf(form), expected: [f32([5, 64], elements)] };
};

const embedding = (form: Form): OpCase<"packed_embedding"> => {
  const [entries, width] = [7, 96];
  const { elements, operands } = matrix(entries, width, form);
  const ids = [6, 0, 3, 6];
  const rows = ids.flatMap((id) => elements.slice(id * width, (id + 1) * width));
  return {
    about: about(form),
    operands: { ...operands, ids: i32([2, 2], ids) },
    attrs: { ...attrsOf(form), entries },
    expected: [f32([2, 2, width], rows)],
  };
};

const drawn = (rows: number, columns: number, name: string): HostTensor => {
  const random = new RandomStream(3, name);
  return f32(
    [rows, columns],
    Array.from({ length: rows * columns }, () => Math.fround(4 * random.uniform() - 2)),
  );
};

/** 32 numbers as 8-bit ones times a scale, each step rounded to float32. */
function rounded(block: readonly number[]): number[] {
  const largest = Math.max(...block.map(Math.abs));
  const inverse = largest === 0 ? 0 : Math.fround(127 / largest);
  return block.map(
    (x) => Math.fround(largest / 127) * Math.floor(Math.fround(Math.fround(x * inverse) + 0.5)),
  );
}

function roundedRows({ shape, data }: HostTensor): HostTensor {
  const values = Array.from(data);
  const blocks = Array.from({ length: values.length / 32 }, (_, i) => values.slice(32 * i, 32 * (i + 1)));
  return f32(shape, blocks.flatMap(rounded));
}

/** x [rows, K] by a weight [columns, K], with a bias and a tensor that is multiplied. */
const linear = (
  rows: number,
  columns: number,
  form: Form,
  activations: "f32" | "int8",
): OpCase<"packed_linear"> => {
  const depth = 96;
  const { elements, operands } = matrix(columns, depth, form);
  const x = drawn(rows, depth, "x");
  const [bias, factor] = [f32([columns], drawn(1, columns, "bias").data), drawn(rows, columns, "factor")];
  const read = activations === "int8" ? roundedRows(x) : x;
  const expected = Array.from({ length: rows * columns }, (_, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns];
    let sum = bias.data[column]!;
    for (let k = 0; k < depth; k++) sum += read.data[row * depth + k]! * elements[column * depth + k]!;
    return sum * factor.data[index]!;
  });
  const input = (index: number) => ({ kind: "input" as const, index });
  return {
    about: `${about(form)}, ${rows} rows by ${columns}, activations ${activations}`,
    operands: { x, ...operands, extras: [bias, factor] },
    attrs: {
      ...attrsOf(form),
      activations,
      epilogue: {
        steps: [
          { op: "add", args: [input(0), input(1)] },
          { op: "mul", args: [{ kind: "step", index: 0 }, input(2)] },
        ],
      },
    },
    expected: [f32([rows, columns], expected)],
    // Sums of 96 products of up to 25 in float32, some of which cancel.
    tolerance: 2e-5,
  };
};

/** The product of one row alone, nothing after it. */
function plainLinear(form: Form): OpCase<"packed_linear"> {
  const { elements, operands } = matrix(20, 32, form);
  const x = drawn(1, 32, "plain");
  const sums = Array.from({ length: 20 }, (_, row) =>
    Array.from(x.data).reduce((sum, value, k) => sum + value * elements[32 * row + k]!, 0),
  );
  return {
    about: `${about(form)}, alone`,
    operands: { x, ...operands, extras: [] },
    attrs: attrsOf(form),
    expected: [f32([1, 20], sums)],
    tolerance: 2e-5,
  };
}

/** Rows by the matrices that they chose, of three that have `columns` rows each; nothing chose the second. */
function routed(
  columns: number,
  form: Form,
  activations: "f32" | "int8",
  isShared: boolean,
): OpCase<"packed_routed_linear"> {
  const [experts, depth, places, each] = [3, 96, 3, 2];
  const { elements, operands } = matrix(experts * columns, depth, form);
  const chosen = [2, 0, 0, 2, 2, 0];
  const count = isShared ? 1 : each;
  const x = drawn(places * count, depth, "routed");
  const read = activations === "int8" ? roundedRows(x) : x;
  const expected = chosen.flatMap((expert, choice) =>
    Array.from({ length: columns }, (_, column) => {
      const [row, at] = [isShared ? Math.floor(choice / each) : choice, (expert * columns + column) * depth];
      let sum = 0;
      for (let k = 0; k < depth; k++) sum += read.data[row * depth + k]! * elements[at + k]!;
      return sum;
    }),
  );
  return {
    about: `${about(form)}, matrices of ${columns} rows, ${isShared ? "a row for all choices" : "a row each"}, activations ${activations}`,
    operands: {
      x: f32([places, count, depth], x.data),
      ...operands,
      chosen: i32([places, each], chosen),
    },
    attrs: { ...attrsOf(form), activations, experts },
    expected: [f32([places, each, columns], expected)],
    // As of packed_linear.
    tolerance: 2e-5,
  };
}

const sizes = [
  [1, 1],
  [1, 4],
  [3, 13],
  [2, 48],
  [7, 20],
] as const;

export const quantizedCases: CasesOf<keyof typeof quantizedOps> = {
  dequantize: forms.map(dequantize),
  round_blocks: [
    (() => {
      const x = drawn(3, 64, "blocks");
      x.data.fill(0, 32, 64);
      return { about: "blocks of 32, one of zeros", operands: { x }, expected: [roundedRows(x)] };
    })(),
    {
      about: "halves go up",
      operands: { x: f32([32], [127, 0.5, -0.5, 1.5, -1.5, ...new Array<number>(27).fill(0)]) },
      expected: [f32([32], [127, 1, 0, 2, -1, ...new Array<number>(27).fill(0)])],
    },
    {
      about: "a block that is too small for a scale is zeros, one with NaN is NaN",
      operands: {
        x: f32([2, 32], [...new Array<number>(32).fill(2 ** -120), NaN, ...new Array<number>(31).fill(1)]),
      },
      expected: [f32([2, 32], [...new Array<number>(32).fill(0), ...new Array<number>(32).fill(NaN)])],
    },
  ],
  packed_embedding: forms.map(embedding),
  packed_linear: [
    ...forms.map(plainLinear),
    ...forms.flatMap((form) =>
      sizes.flatMap(([rows, columns]) =>
        (["f32", "int8"] as const).map((activations) => linear(rows, columns, form, activations)),
      ),
    ),
  ],
  packed_routed_linear: forms.flatMap((form) =>
    (["f32", "int8"] as const).flatMap((activations) => [
      routed(8, form, activations, true),
      routed(32, form, activations, false),
    ]),
  ),
};
