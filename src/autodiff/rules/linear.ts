import type { Value } from "../../ir/graph.ts";
import type { CoreOp } from "../../ops/table.ts";
import type { linearOps } from "../../ops/linear.ts";
import { constantDim } from "../../tensor/dim.ts";
import { invariant } from "../../support/invariant.ts";
import type { Backward } from "../backward.ts";
import type { VjpRule } from "../vjp.ts";

/** x with its last two axes exchanged. */
function transposed(b: Backward, x: Value): Value {
  const rank = x.type.shape.length;
  const axes = [...x.type.shape.keys()].map((axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
  return b.emit("permute", { x }, { axes });
}

/** The sum of a gradient over all axes but one: what a vector that was added along that axis gets. */
function sumAlong(b: Backward, g: Value, axis: number): Value {
  const axes = [...g.type.shape.keys()].filter((each) => each !== axis);
  return axes.length === 0 ? g : b.emit("reduce_sum", { x: g }, { axes });
}

const known = (sizes: readonly Parameters<typeof constantDim>[0][]): number[] =>
  sizes.map((size) => {
    const constant = constantDim(size);
    invariant(constant !== undefined, "a kernel has a known size");
    return constant;
  });

export const linearRules: {
  readonly [K in keyof typeof linearOps & CoreOp]: VjpRule<K>;
} = {
  /** a b: g bᵀ and aᵀ g; a bᵀ: g b and gᵀ a. */
  matmul: ({ operands: { a, b: right }, attrs: { transpose_b } }, [g], b) => ({
    a: b.wants(a)
      ? b.undoBroadcast(b.emit("matmul", { a: g!, b: right }, { transpose_b: !transpose_b }), a.type.shape)
      : undefined,
    b: b.wants(right)
      ? b.undoBroadcast(
          transpose_b
            ? b.emit("matmul", { a: transposed(b, g!), b: a }, {})
            : b.emit("matmul", { a: transposed(b, a), b: g! }, {}),
          right.type.shape,
        )
      : undefined,
  }),
  /** g W, as a linear whose weight is read the other way round; gᵀ x; Σ g. */
  linear: ({ operands: { x, weight, bias }, attrs: { layout } }, [g], b) => ({
    x: b.wants(x)
      ? b.emit(
          "linear",
          { x: g!, weight, bias: undefined },
          { layout: layout === "out_in" ? "in_out" : "out_in" },
        )
      : undefined,
    weight: b.wants(weight) ? b.emit("linear_weight_grad", { grad: g!, x }, { layout }) : undefined,
    bias: b.wants(bias) ? sumAlong(b, g!, g!.type.shape.length - 1) : undefined,
  }),
  /** g W, as a product with the same matrices read the other way round; gᵀ x by the rows that chose each. */
  routed_linear: ({ operands: { x, weight, chosen }, attrs: { layout } }, [g], b) => ({
    x: b.wants(x)
      ? b.undoBroadcast(
          b.emit(
            "routed_linear",
            { x: g!, weight, chosen },
            { layout: layout === "out_in" ? "in_out" : "out_in" },
          ),
          x.type.shape,
        )
      : undefined,
    weight: b.wants(weight)
      ? b.emit("routed_weight_grad", { grad: g!, x, chosen }, { layout, experts: weight.type.shape[0]! })
      : undefined,
  }),
  embedding: ({ operands: { table, ids } }, [g], b) => ({
    table: b.emit("embedding_grad", { grad: g!, ids }, { rows: table.type.shape[0]! }),
  }),
  conv2d: ({ operands: { x, weight, bias }, attrs }, [g], b) => {
    const [, , height, width] = x.type.shape;
    const kernel = known(weight.type.shape.slice(2));
    return {
      x: b.wants(x)
        ? b.emit("conv2d_x_grad", { grad: g!, weight }, { ...attrs, height: height!, width: width! })
        : undefined,
      weight: b.wants(weight)
        ? b.emit("conv2d_weight_grad", { grad: g!, x }, { ...attrs, kernel })
        : undefined,
      bias: b.wants(bias) ? sumAlong(b, g!, 1) : undefined,
    };
  },
  max_pool2d: ({ operands: { x }, attrs }, [g], b) => ({
    x: b.emit("max_pool2d_grad", { grad: g!, x }, attrs),
  }),
  /** A rotation is undone by the rotation the other way. */
  rope: ({ operands: { positions }, attrs }, [g], b) => ({
    x: b.emit("rope", { x: g!, positions }, { ...attrs, inverse: !attrs.inverse }),
  }),
  attend: ({ operands, attrs }, [g], b) => {
    const [q, k, v, bias] = b.emitAll("attend_grad", { grad: g!, ...operands }, attrs);
    return { q, k, v, bias };
  },
  linear_attend: ({ operands, results: [out] }, [g, grad_state], b) => {
    const grad = g ?? b.emit("full", {}, { ...out!.type, value: 0 });
    const [q, k, v, decay, beta, state] = b.emitAll(
      "linear_attend_grad",
      { grad, grad_state, ...operands },
      {},
    );
    return {
      q,
      k,
      v,
      decay: operands.decay && decay,
      beta: operands.beta && beta,
      state: operands.state && state,
    };
  },
};
