import type { Random } from "./random.ts";

/**
 * Models whose constructs ask for much: repeats in repeats, texts, lists and layers that double, sizes that are powers of
 * sums, parts by the million, blocks that call one another.
 */
export function hostileModel(random: Random): string {
  const makers = [texts, lists, sizes, repeats, parts, blocks, layers, labels, wide];
  const bodies = random.several(2, () => random.pick(makers)(random));
  const made = [random.pick(makers)(random), ...bodies];
  return `model m(n = ${random.below(50)}) {\n  input x: f32[B, T, 8]\n${made.map(({ body }) => body).join("\n")}\n  output y\n}\n${made.map(({ rest }) => rest ?? "").join("\n")}`;
}

interface Part {
  readonly body: string;
  readonly rest?: string;
}

const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => `  ${line(index)}`).join("\n");

const texts = (random: Random): Part => ({
  body: `  let t0 = "${"x".repeat(1 + random.below(50))}"\n${lines(random.below(30), (i) => `let t${i + 1} = "{t${i}}{t${random.below(i + 1)}}"`)}\n  assert 1 == ${random.below(2)}, "{t0}"`,
});

const lists = (random: Random): Part => ({
  body: `  let l0 = [1, x]\n${lines(random.below(40), (i) => `let l${i + 1} = [l${i}, l${random.below(i + 1)}, ${random.below(9)}]`)}\n  assert l0 ${random.pick(["==", "!=", "<"])} l0, "{l0}"`,
});

const sizes = (random: Random): Part => ({
  body: `  let s0 = ${random.pick(["B", "B + T", "B * T + 1", "T - 1", "94906267", "div(T, 3)"])}\n${lines(random.below(14), (i) => `let s${i + 1} = ${random.pick([`s${i} * s${i}`, `s${i} + s${random.below(i + 1)} * B`, `div(s${i} + 1, 2)`, `s${i} ^ 2`, `2 ^ s${i}`, `s${i} - s0`])}`)}\n  x -> ${random.pick(["flatten(0)", "reshape([s0, 8])", "expand(0, s0)", "split(s0)", "slice(s0)"])}`,
});

const repeats = (random: Random): Part => {
  const depth = 1 + random.below(4);
  const open = Array.from(
    { length: depth },
    (_, i) =>
      `  repeat ${random.pick(["n", 3, 100, 3000, 1e6, 1e12])}${random.pick(["", ` as r${i}`, " shared", ` as [i${i}]`])} {`,
  );
  const inner = random.pick([
    "relu",
    "a: linear(8)",
    "let a = 1",
    "residual { a: linear(8) }",
    "stream as t",
    "x -> tanh",
  ]);
  return { body: `${open.join("\n")}\n    ${inner}\n${"  }\n".repeat(depth)}` };
};

const parts = (random: Random): Part => ({
  body: `  ps = x -> split(${random.pick([2, 8, 1000, 1e6, 1e9, 2 ** 53])}, axis: ${random.pick([-1, 0, 1])}) -> concat(${random.pick([0, 1, -1])})\n  topk(${random.pick([1, 9, 1e9])})`,
});

const blocks = (random: Random): Part => {
  const count = 1 + random.below(30);
  const call = (i: number): string =>
    random.pick([
      `b${i + 1} -> b${i + 1}`,
      `p: b${i + 1} -> q: b${i + 1}`,
      `parallel { b${i + 1}; b${i + 1} }`,
    ]);
  const rest = lines(count, (i) => `block b${i} { input x: [..]; ${call(i)}; output y }`);
  return {
    body: "  b0",
    rest: `${rest}\nblock b${count} { input x: [..]; ${random.pick(["relu", "a: linear(8)", ""])}; output y }`,
  };
};

const layers = (random: Random): Part => ({
  body: `  let f0 = relu\n${lines(random.below(30), (i) => `let f${i + 1} = two(one: f${i}, other: f${random.below(i + 1)})`)}\n  f${random.below(9)}`,
  rest: "block two(one: layer = none, other: layer = none) { input x: [..]; one -> other; output y }",
});

const labels = (random: Random): Part => {
  const label = "a".repeat(1 + random.below(3000));
  return { body: `  repeat ${random.pick([3, 1000, 30_000])} as ${label} { ${label}: linear(8) }` };
};

/** Long lines: sums, nested parentheses, chains, operands. */
const wide = (random: Random): Part => {
  const count = 1 + random.below(3000);
  const deep = 1 + random.below(60);
  return {
    body: random.pick([
      `  ${Array.from({ length: count }, () => "x").join(" + ")}`,
      `  ${"(".repeat(deep)}x${")".repeat(deep)}`,
      `  x${" -> relu".repeat(count)}`,
      `  (${"x, ".repeat(count)}x) -> concat(0)`,
      `  ${"- ".repeat(deep)}x`,
      `  let big = [${"1, ".repeat(count)}]`,
      `  parallel { ${"relu; ".repeat(count)} }`,
    ]),
  };
};
