import { expect, test } from "vitest";
import { differentiate } from "../../src/autodiff/differentiate.ts";
import { trainingStep } from "../../src/autodiff/train/step.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { hostTensor, sizeOf, type HostTensor } from "../../src/tensor/host.ts";
import { RandomStream, randomTensor } from "../../src/tensor/random.ts";
import { torchOptimizer, trainingGraph } from "./classifier.ts";
import { mixture } from "./mixture.ts";
import { Trainer } from "./trainer.ts";

type Tensors = Readonly<Record<string, HostTensor>>;

const random = new RandomStream(7, "mixture");
const ids = (): HostTensor =>
  hostTensor(
    "i32",
    [2, 5],
    Array.from({ length: 10 }, () => random.below(11)),
  );
const batch: Tensors = { tokens: ids(), next: ids() };

const graphOf = (text = mixture) => trainingGraph(text);

/** Weights of about 0.5, so that the router has likes of its own. */
const weightsOf = ({ parameters }: ReturnType<typeof graphOf>): Tensors =>
  Object.fromEntries(
    parameters.map(({ name, value }) => {
      const shape = value.type.shape.map(({ key }) => Number(key));
      return [name, randomTensor(shape, new RandomStream(5, name))];
    }),
  );

function gradientsOf(graph: ReturnType<typeof graphOf>, parameters: Tensors): Tensors {
  const loss = graph.outputs.find(({ name }) => name === "loss")!.value;
  const wrt = graph.parameters.map(({ value }) => value);
  const { graph: whole, gradients } = differentiate(graph, [loss], wrt);
  const outputs = graph.parameters.map(({ name, value }) => ({
    name,
    value: gradients.get(value)!,
    span: undefined,
  }));
  return interpret({ ...whole, outputs }, { inputs: batch, parameters });
}

/** Central differences with a step of 1e-5 are off by its square times a third derivative, and by rounding / 1e-5. */
const TOLERANCE = 1e-8;

test("the gradient of a language model with experts is its finite difference, losses of the router and all", () => {
  const graph = graphOf();
  const parameters = weightsOf(graph);
  const gradients = gradientsOf(graph, parameters);
  const lossAt = (name: string, index: number, step: number): number => {
    const moved = Float64Array.from(parameters[name]!.data);
    moved[index]! += step;
    const all = { ...parameters, [name]: { ...parameters[name]!, data: moved } };
    return interpret(graph, { inputs: batch, parameters: all })["loss"]!.data[0]!;
  };
  expect(Object.keys(parameters).filter((name) => name.includes("*"))).toHaveLength(6);
  for (const [name, { shape, data }] of Object.entries(gradients)) {
    const size = sizeOf(shape);
    // All of a router; of the others some, which are other experts each time.
    const stride = name.endsWith("moe.gate.weight") ? 1 : Math.ceil(size / 4);
    for (let index = size % stride; index < size; index += stride) {
      const expected = (lossAt(name, index, 1e-5) - lossAt(name, index, -1e-5)) / 2e-5;
      expect(Math.abs(data[index]! - expected), `${name}[${index}]: ${expected}`).toBeLessThan(TOLERANCE);
    }
  }
});

test("an expert that no token chose has no gradient, and the losses of the router move it alone", () => {
  const graph = graphOf();
  const parameters = weightsOf(graph);
  const whole = gradientsOf(graph, parameters);
  const plain = gradientsOf(graphOf(mixture.replace("loss extra", "")), parameters);
  const apart = Object.keys(plain).filter((name) =>
    plain[name]!.data.some((value, index) => Math.abs(value - whole[name]!.data[index]!) > 1e-6),
  );
  // The last layer's router, and what stands before it: its experts and the last norm are in no loss of a router.
  expect(apart).toContain("h.1.moe.gate.weight");
  expect(apart).not.toContain("h.1.moe.experts.*.w2.weight");
  expect(apart).not.toContain("ln_f.weight");
});

test("a training spreads the tokens of a router that prefers one expert", () => {
  const heavy = mixture.replace("0.01 * balance", "1.0 * balance");
  const graph = graphOf(heavy);
  const optimizer = torchOptimizer("adamw", {});
  const trainer = new Trainer(trainingStep(graph, { optimizer }), optimizer, weightsOf(graph));
  // What the losses of the routers are alone: two layers, each at top_k = 2 where all experts are chosen alike.
  const routers = graphOf(heavy.replace("loss (logits, next) -> cross_entropy", ""));
  const unevenness = (): number =>
    interpret(routers, { inputs: batch, parameters: Object.fromEntries(trainer.state) })["loss"]!.data[0]!;
  expect(unevenness()).toBeGreaterThan(4.2);
  for (let step = 0; step < 40; step++) trainer.update(batch, 1e-2);
  expect(unevenness()).toBeLessThan(4.05);
});
