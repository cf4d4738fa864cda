import { describe, expect, test } from "vitest";
import { fuseNormGrad } from "../../src/passes/fuse-norm-grad.ts";
import { irAfter } from "./helpers.ts";

describe("the backward of a fused add and norm", () => {
  test("is one kernel: the stream's gradient joins that of the norm, whichever side of the add it is on", () => {
    expect(
      irAfter(
        fuseNormGrad,
        `
        %n, %dw, %db = norm_grad(grad: %f, x: %x, weight: %w, norm: layer, eps: 1e-5, bias: true)
        %d0 = tanh(%g)
        %s = add(%d0, %n)
        output s = %s
        output dw = %dw
        output db = %db`,
      ),
    ).toMatchInlineSnapshot(`
      "%d0: f32[B, T, 4] = tanh(%g)
      %s: f32[B, T, 4], %dw: f32[4], %db: f32[4] = norm_grad(grad: %f, x: %x, weight: %w, carried: %d0, norm: layer, eps: 1e-5, bias: true)
      output s = %s
      output dw = %dw
      output db = %db"
    `);
  });

  test("takes in the norms of parallel branches one after the other", () => {
    expect(
      irAfter(
        fuseNormGrad,
        `
        %n = norm_grad(grad: %f, x: %x, norm: rms, eps: 1e-5)
        %s = add(%g, %n)
        %m = norm_grad(grad: %g, x: %x, norm: rms, eps: 1e-5)
        %t = add(%s, %m)
        output t = %t`,
      ),
    ).toMatchInlineSnapshot(`
      "%s: f32[B, T, 4] = norm_grad(grad: %f, x: %x, carried: %g, norm: rms, eps: 1e-5)
      %t: f32[B, T, 4] = norm_grad(grad: %g, x: %x, carried: %s, norm: rms, eps: 1e-5)
      output t = %t"
    `);
  });

  test("is left alone where the norm's gradient has another reader, is an output, or is stretched by the add", () => {
    const body = `
      %n = norm_grad(grad: %f, x: %x, norm: rms, eps: 1e-5)
      %s = add(%n, %g)
      %t = mul(%n, %s)
      %m = norm_grad(grad: %g, x: %x, norm: rms, eps: 1e-5)
      %u = add(%m, %g)
      %k = norm_grad(grad: %t, x: %x, norm: rms, eps: 1e-5)
      %v = add(%k, %row)
      output t = %t
      output m = %m
      output u = %u
      output v = %v`;
    expect(irAfter(fuseNormGrad, body)).toBe(irAfter([], body));
  });
});
