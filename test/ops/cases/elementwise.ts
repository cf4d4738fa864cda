import type { ScalarName } from "../../../src/ops/scalar.ts";
import type { HostTensor } from "../../../src/tensor/host.ts";
import { goldenCases, STORED_ROUNDING } from "../golden.ts";
import { bool, f32, i32 } from "../tensors.ts";
import type { CasesOf } from "./case.ts";

/** Float64 arithmetic of a few steps. */
const FEW_STEPS = 1e-15;

const modules = goldenCases("modules");

const vector = (values: readonly number[]): HostTensor => f32([values.length], values);
const truth = (values: readonly number[]): HostTensor => bool([values.length], values);

/** Values of a function on paper: pairs of argument and result. */
function points(about: string, pairs: readonly (readonly [number, number])[], tolerance = FEW_STEPS) {
  const x = vector(pairs.map(([argument]) => argument));
  return { about, operands: { x }, expected: [vector(pairs.map(([, result]) => result))], tolerance };
}

const golden = (name: string) => {
  const found = modules.get(name)!;
  return {
    about: `PyTorch: ${found.kind}`,
    operands: { x: found.tensor("x") },
    expected: [found.tensor("y")],
    tolerance: STORED_ROUNDING,
  };
};

/** Triples of x, y and the result. */
function pairs(
  about: string,
  triples: readonly (readonly [number, number, number])[],
  tolerance = FEW_STEPS,
) {
  const [x, y, out] = [0, 1, 2].map((i) => vector(triples.map((triple) => triple[i]!))) as [
    HostTensor,
    HostTensor,
    HostTensor,
  ];
  return { about, operands: { x, y }, expected: [out], tolerance };
}

function comparison(triples: readonly (readonly [number, number, number])[]) {
  const { operands, expected } = pairs("", triples);
  return { about: "on paper, with NaN and both zeros", operands, expected: [truth([...expected[0]!.data])] };
}

const logical = (triples: readonly (readonly [number, number, number])[]) => ({
  about: "the truth table",
  operands: { x: truth(triples.map(([x]) => x)), y: truth(triples.map(([, y]) => y)) },
  expected: [truth(triples.map(([, , out]) => out))],
});

const inf = Infinity;

export const elementwiseCases: CasesOf<ScalarName> = {
  neg: [
    points(
      "on paper",
      [
        [2, -2],
        [0, -0],
        [-inf, inf],
      ],
      0,
    ),
  ],
  abs: [
    points(
      "on paper",
      [
        [-2.5, 2.5],
        [-0, 0],
        [-inf, inf],
        [NaN, NaN],
      ],
      0,
    ),
  ],
  exp: [
    points("powers of e", [
      [0, 1],
      [1, 2.718281828459045],
      [-inf, 0],
      [710, inf],
    ]),
    golden("act_exp"),
  ],
  log: [
    points("logarithms of powers", [
      [1, 0],
      [2.718281828459045, 1],
      [0, -inf],
      [-1, NaN],
    ]),
  ],
  sqrt: [
    points("square numbers", [
      [0, 0],
      [9, 3],
      [2, 1.4142135623730951],
      [-1, NaN],
    ]),
  ],
  rsqrt: [
    points("square numbers", [
      [4, 0.5],
      [0.25, 2],
      [0, inf],
    ]),
  ],
  sin: [
    points("known angles", [
      [0, 0],
      [Math.PI / 6, 0.5],
      [Math.PI / 2, 1],
    ]),
  ],
  cos: [
    points("known angles", [
      [0, 1],
      [Math.PI / 3, 0.5],
      [Math.PI, -1],
    ]),
  ],
  tanh: [
    points("limits and tanh(ln 2) = 3/5", [
      [0, 0],
      [0.6931471805599453, 0.6],
      [inf, 1],
      [-inf, -1],
    ]),
    golden("act_tanh"),
  ],
  sigmoid: [
    points("limits and ln 3", [
      [0, 0.5],
      [1.0986122886681098, 0.75],
      [-inf, 0],
      [inf, 1],
    ]),
    golden("act_sigmoid"),
  ],
  erf: [
    // Abramowitz and Stegun, table 7.1, ten digits.
    points(
      "Abramowitz and Stegun's table",
      [
        [0.5, 0.5204998778],
        [1, 0.8427007929],
        [2, 0.995322265],
        [-1, -0.8427007929],
      ],
      1e-10,
    ),
    golden("act_erf"),
  ],
  relu: [
    points(
      "on paper",
      [
        [-1, 0],
        [0, 0],
        [3, 3],
        [NaN, NaN],
      ],
      0,
    ),
    golden("act_relu"),
  ],
  relu2: [
    points(
      "on paper",
      [
        [-1, 0],
        [3, 9],
      ],
      0,
    ),
    golden("act_relu_squared"),
  ],
  gelu: [golden("act_gelu_erf")],
  gelu_tanh: [golden("act_gelu_tanh")],
  silu: [
    points("x / 2 at 0, limits", [
      [0, 0],
      [1.0986122886681098, 0.8239592165010823],
      [-inf, -0],
      [-800, -0],
    ]),
    golden("act_silu"),
  ],
  softplus: [
    points("ln 2 at 0, limits", [
      [0, 0.6931471805599453],
      [1000, 1000],
      [-1000, 0],
    ]),
    golden("act_softplus"),
  ],
  square: [
    points(
      "on paper",
      [
        [-3, 9],
        [0.5, 0.25],
      ],
      0,
    ),
  ],
  floor: [
    points(
      "on paper",
      [
        [1.9, 1],
        [-0.1, -1],
        [2, 2],
      ],
      0,
    ),
  ],
  not: [{ about: "the truth table", operands: { x: truth([0, 1]) }, expected: [truth([1, 0])] }],
  add: [
    pairs(
      "on paper",
      [
        [1, 2, 3],
        [inf, -inf, NaN],
      ],
      0,
    ),
    {
      about: "a column and a row make a matrix",
      operands: { x: f32([2, 1], [10, 20]), y: f32([3], [1, 2, 3]) },
      expected: [f32([2, 3], [11, 12, 13, 21, 22, 23])],
    },
    {
      about: "whole numbers stay whole, and a scalar takes part",
      operands: { x: i32([2], [1, 2]), y: i32([], [40]) },
      expected: [i32([2], [41, 42])],
    },
  ],
  sub: [
    pairs(
      "on paper",
      [
        [1, 2, -1],
        [0, 0, 0],
      ],
      0,
    ),
  ],
  mul: [
    pairs(
      "on paper",
      [
        [3, -2, -6],
        [0, inf, NaN],
      ],
      0,
    ),
  ],
  div: [
    pairs(
      "on paper",
      [
        [1, 4, 0.25],
        [1, 0, inf],
        [0, 0, NaN],
      ],
      0,
    ),
  ],
  mod: [
    pairs("the sign is that of the divisor, as in Python", [
      [7, 3, 1],
      [-7, 3, 2],
      [7, -3, -2],
      [5.5, 2, 1.5],
    ]),
  ],
  pow: [
    pairs("on paper", [
      [2, 10, 1024],
      [9, 0.5, 3],
      [0, 0, 1],
      [2, -1, 0.5],
    ]),
  ],
  min: [
    pairs(
      "NaN wins",
      [
        [1, 2, 1],
        [3, -1, -1],
        [NaN, 1, NaN],
      ],
      0,
    ),
  ],
  max: [
    pairs(
      "NaN wins",
      [
        [1, 2, 2],
        [3, -1, 3],
        [1, NaN, NaN],
      ],
      0,
    ),
  ],
  eq: [
    comparison([
      [1, 1, 1],
      [1, 2, 0],
      [0, -0, 1],
      [NaN, NaN, 0],
    ]),
  ],
  ne: [
    comparison([
      [1, 1, 0],
      [1, 2, 1],
      [0, -0, 0],
      [NaN, NaN, 1],
    ]),
  ],
  lt: [
    comparison([
      [1, 2, 1],
      [2, 2, 0],
      [3, 2, 0],
      [NaN, 2, 0],
      [-0, 0, 0],
    ]),
  ],
  le: [
    comparison([
      [1, 2, 1],
      [2, 2, 1],
      [3, 2, 0],
      [NaN, 2, 0],
      [0, -0, 1],
    ]),
  ],
  gt: [
    comparison([
      [1, 2, 0],
      [2, 2, 0],
      [3, 2, 1],
      [NaN, 2, 0],
      [0, -0, 0],
    ]),
  ],
  ge: [
    comparison([
      [1, 2, 0],
      [2, 2, 1],
      [3, 2, 1],
      [NaN, 2, 0],
      [-0, 0, 1],
    ]),
  ],
  and: [
    logical([
      [0, 0, 0],
      [0, 1, 0],
      [1, 0, 0],
      [1, 1, 1],
    ]),
  ],
  or: [
    logical([
      [0, 0, 0],
      [0, 1, 1],
      [1, 0, 1],
      [1, 1, 1],
    ]),
  ],
  where: [
    {
      about: "what is not chosen does not matter, not even NaN",
      operands: { condition: truth([1, 0, 1]), x: vector([1, NaN, 3]), y: f32([1], [9]) },
      expected: [vector([1, 9, 3])],
    },
  ],
};
