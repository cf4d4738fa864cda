import type { lossOps } from "../../ops/loss.ts";
import type { VjpRule } from "../vjp.ts";

export const lossRules: { readonly [K in keyof typeof lossOps]: VjpRule<K> } = {
  cross_entropy: ({ operands: { logits, targets }, attrs }, [g], b) => ({
    logits: b.emit("cross_entropy_grad", { grad: g!, logits, targets }, attrs),
  }),
  /** 2 (x - y) / n, and the opposite. */
  mean_squared_error: ({ operands: { x, y } }, [g], b) => {
    const ofX = b.mul(b.sub(x, y), b.divideBySizes(b.mul(g!, 2), x.type.shape));
    return { x: ofX, y: b.wants(y) ? b.unary("neg", ofX) : undefined };
  },
  accuracy: { none: "it counts, and a count does not change a little" },
};
