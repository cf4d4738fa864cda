import { dim, multiplyDims } from "../tensor/dim.ts";
import { elementsOf, type TensorType } from "../tensor/type.ts";
import { defineOp } from "./define.ts";
import { evaluateLinearAttend, evaluateLinearAttendGrad } from "./evaluate/recurrent.ts";
import { inferLinearAttend, inferLinearAttendGrad } from "./infer/recurrent.ts";

/** Elements of the states of all positions. */
const statesOf = (k: TensorType, v: TensorType) => multiplyDims(elementsOf(v), k.shape[3]!);

/** Attention whose memory is a matrix a head: O(T) time, and a state of constant size. */
export const linearAttend = defineOp({
  stage: "core",
  kernel: "any",
  doc:
    "a matrix S [K, V] a head that falls and takes what is new at each position, read by q: S ← e^decay S, S ← S + k vᵀ, " +
    "or with beta the delta rule S ← S + β k (v − Sᵀk)ᵀ, and out = Sᵀq, for q, k [B, G, T, K] and v [B, H, T, V], each " +
    "head of q and k serving H / G heads of v in a row; decay [B, H, T] or, by channel of the keys, [B, H, T, K]; beta " +
    "[B, H, T]. S begins as state [B, H, K, V], or 0, and is the second result (Dao and Gu 2024; Yang et al. 2024)",
  operands: { q: "one", k: "one", v: "one", decay: "optional", beta: "optional", state: "optional" },
  attrs: {},
  results: ["out", "state"],
  infer: (operands) => inferLinearAttend(operands),
  evaluate: (operands) => evaluateLinearAttend(operands),
  flops: ({ k, v, beta }) => multiplyDims(statesOf(k, v), dim(beta === undefined ? 5 : 7)),
});

export const linearAttendGrad = defineOp({
  stage: "gradient",
  kernel: "training",
  doc:
    "the gradients of linear_attend, of grad for out and grad_state for the last state: it walks back over the states, which " +
    "it makes again",
  operands: {
    grad: "one",
    grad_state: "optional",
    q: "one",
    k: "one",
    v: "one",
    decay: "optional",
    beta: "optional",
    state: "optional",
  },
  attrs: {},
  results: ["grad_q", "grad_k", "grad_v", "grad_decay", "grad_beta", "grad_state"],
  infer: (operands) => inferLinearAttendGrad(operands),
  evaluate: (operands) => evaluateLinearAttendGrad(operands),
  flops: ({ k, v, beta }) => multiplyDims(statesOf(k, v), dim(beta === undefined ? 14 : 20)),
});
