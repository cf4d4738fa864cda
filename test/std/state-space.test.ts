import { expect, test } from "vitest";
import { interpret } from "../../src/ir/interpret.ts";
import { goldenCases } from "../ops/golden.ts";
import { difference } from "../lower/support.ts";
import { graphOf } from "../lower/support.ts";
import { dot, linear, rowsOf, runBlock, silu, type Vector } from "./support.ts";

const [B, T, D, N, P] = [2, 6, 8, 4, 8];
const inner = 2 * D;
const heads = inner / P;

/**
 * The recurrence of Dao and Gu 2024 (eq. 1 with the discretization of section 2.1): h_t = exp(Δ_t A) h_{t-1} + Δ_t B_t x_t,
 * y_t = C_t · h_t + D x_t, one step after the other. The library has it as an op.
 */
function recurrence(run: ReturnType<typeof runBlock>): number[] {
  const at = (name: string) => run.parameters[`m.${name}`]!;
  const projected = rowsOf(run.inputs.x!).map((x) => linear(x, at("in_proj.weight")));
  const taps = rowsOf(at("conv1d.weight")).flat();
  return Array.from({ length: B }, (_, b) => {
    const states = Array.from({ length: heads }, () =>
      Array.from({ length: P }, () => Array.from({ length: N }, () => 0)),
    );
    return Array.from({ length: T }, (_, t) => {
      const row = projected[b * T + t]!;
      const mixed = Array.from({ length: inner + 2 * N }, (_, c) => {
        let sum = at("conv1d.bias").data[c]!;
        for (let k = 0; k < 4; k++)
          if (t + k - 3 >= 0) sum += taps[4 * c + k]! * projected[b * T + t + k - 3]![inner + c]!;
        return silu(sum);
      });
      const [u, bt, ct] = [mixed.slice(0, inner), mixed.slice(inner, inner + N), mixed.slice(inner + N)];
      const y = states.flatMap((state, h) => {
        const raw = row[2 * inner + 2 * N + h]! + at("dt_bias").data[h]!;
        const delta = Math.log1p(Math.exp(raw));
        const decay = Math.exp(-delta * Math.exp(at("A_log").data[h]!));
        return state.map((cells, p) => {
          const x = u[h * P + p]!;
          cells.forEach((cell, n) => (cells[n] = decay * cell + delta * bt[n]! * x));
          return dot(ct, cells) + at("D").data[h]! * x;
        });
      });
      return linear(gatedNorm(y, row.slice(0, inner), [...at("norm.weight").data]), at("out_proj.weight"));
    });
  }).flat(2);
}

function gatedNorm(y: Vector, z: Vector, weight: Vector): Vector {
  const gated = y.map((v, i) => v * silu(z[i]!));
  const root = Math.sqrt(dot(gated, gated) / gated.length + 1e-5);
  return gated.map((v, i) => (v / root) * weight[i]!);
}

test("mamba2 computes what its recurrence computes", () => {
  const run = runBlock(`m: mamba2(state: ${N}, head_dim: ${P})`, { B, T }, D);
  const expected = recurrence(run);
  // A norm divides by what may be small, after cancellation in cumulated sums: a few digits of float64 are lost.
  expect(difference(run.y.data, expected)).toBeLessThan(1e-9);
});

test("mamba2 takes published weights by their names and shapes, and gives what transformers' Mamba2Mixer gives", () => {
  const { tensor } = goldenCases("recurrent").get("mamba2_mixer")!;
  const graph = graphOf(
    "model m { input x: f32[B, T, 16]; m: mamba2(state: 6, head_dim: 8, groups: 2); output y }",
  );
  const parameters = Object.fromEntries(
    graph.parameters.map(({ name }) => [name, tensor(`param.${name.replace("m.", "")}`)]),
  );
  const { y } = interpret(graph, { inputs: { x: tensor("x") }, parameters });
  expect(y!.shape).toEqual(tensor("y").shape);
  // Stored as float32, of numbers up to 4.
  expect(difference(y!.data, [...tensor("y").data])).toBeLessThan(1e-6);
});
