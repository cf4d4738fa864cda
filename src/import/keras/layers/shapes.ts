import { NoForm, numberOf, numbers, type Convert, type Size, type Sizes } from "./form.ts";

export const joined =
  (word: string): Convert =>
  ({ inputs: [shape = []] }) => ({
    steps: [],
    joins: (names) => names.join(` ${word} `),
    weights: {},
    shape,
  });

export const concatenate: Convert = ({ layer, inputs }) => {
  const [first = []] = inputs;
  const axis = numberOf(layer, "axis", -1);
  const at = axis < 0 ? first.length + axis : axis - 1;
  const sum = inputs.reduce<Size>(
    (all, shape) => (all === null || shape[at] == null ? null : all + shape[at]),
    0,
  );
  return {
    steps: [`concat(${axis})`],
    joins: (names) => `(${names.join(", ")})`,
    weights: {},
    shape: first.map((size, index) => (index === at ? sum : size)),
  };
};

export const product = (sizes: Sizes): Size =>
  sizes.reduce<Size>((all, size) => (all === null || size === null ? null : all * size), 1);

export const reshape: Convert = ({ layer, inputs: [input = []] }) => {
  const target = numbers(layer.config["target_shape"]);
  const known = target.filter((size) => size !== -1).reduce((a, b) => a * b, 1);
  const all = product(input);
  if (all === null) return new NoForm("a shape that is not known");
  const shape = target.map((size) => (size === -1 ? all / known : size));
  return { steps: [`reshape([B, ${shape.join(", ")}])`], weights: {}, shape };
};

export const permute: Convert = ({ layer, inputs: [input = []] }) => {
  const dims = numbers(layer.config["dims"]);
  return {
    steps: [`permute([0, ${dims.join(", ")}])`],
    weights: {},
    shape: dims.map((axis) => input[axis - 1] ?? null),
  };
};

export const rescaling: Convert = ({ layer, inputs: [shape = []] }) => {
  const [scale, offset] = [numberOf(layer, "scale", 1), numberOf(layer, "offset")];
  return {
    steps: [],
    joins: ([name = "stream"]) => (offset === 0 ? `${name} * ${scale}` : `${name} * ${scale} + ${offset}`),
    weights: {},
    shape,
  };
};
