import { fragment } from "../text.ts";

/** Scalar functions that JavaScript does not have. */
export const mathHelpers = {
  sigmoid: {
    code: fragment`
      function sigmoid(x«: number»)«: number» {
        return 1 / (1 + Math.exp(-x));
      }
    `,
  },
  relu: {
    code: fragment`
      function relu(x«: number»)«: number» {
        return x < 0 ? 0 : x;
      }
    `,
  },
  relu2: {
    code: fragment`
      function relu2(x«: number»)«: number» {
        return x < 0 ? 0 : x * x;
      }
    `,
  },
  square: {
    code: fragment`
      function square(x«: number»)«: number» {
        return x * x;
      }
    `,
  },
  mod: {
    code: fragment`
      /** The remainder that has the sign of y. */
      function mod(x«: number», y«: number»)«: number» {
        return x - y * Math.floor(x / y);
      }
    `,
  },
  silu: {
    code: fragment`
      function silu(x«: number»)«: number» {
        return x === -Infinity ? -0 : x / (1 + Math.exp(-x));
      }
    `,
  },
  softplus: {
    code: fragment`
      function softplus(x«: number»)«: number» {
        return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
      }
    `,
  },
  erfc: {
    code: fragment`
      /** 1 - erf(x) by the Chebyshev fit of Numerical Recipes, section 6.2; its relative error is at most 1.2e-7. */
      function erfc(x«: number»)«: number» {
        const t = 1 / (1 + 0.5 * Math.abs(x));
        const low = 0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277)));
        const fit = -1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * low))));
        const tail = t * Math.exp(fit - x * x);
        return x < 0 ? 2 - tail : tail;
      }
    `,
  },
  erf: {
    uses: ["erfc"],
    code: fragment`
      /** The error function; near 0 by its power series, which keeps the relative error small there. */
      function erf(x«: number»)«: number» {
        if (Math.abs(x) > 0.5) return 1 - erfc(x);
        const s = x * x;
        const high = 1 / 216 - s * (1 / 1320 - s * (1 / 9360 - s * (1 / 75600)));
        return 1.1283791670955126 * x * (1 - s * (1 / 3 - s * (1 / 10 - s * (1 / 42 - s * high))));
      }
    `,
  },
  gelu: {
    uses: ["erfc"],
    code: fragment`
      function gelu(x«: number»)«: number» {
        return 0.5 * x * erfc(-0.7071067811865476 * x);
      }
    `,
  },
  gelu_tanh: {
    code: fragment`
      function gelu_tanh(x«: number»)«: number» {
        return 0.5 * x * (1 + Math.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
      }
    `,
  },
  round_half: {
    code: fragment`
      /** The nearest float with so many stored mantissa bits, ties to even; beyond the largest it is infinite. */
      function round_half(x«: number», bits«: number», minExponent«: number», largest«: number»)«: number» {
        if (x === 0 || !Number.isFinite(x)) return x;
        const exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), minExponent);
        const step = 2 ** (exponent - bits);
        const below = Math.floor(x / step);
        const rest = x / step - below;
        const rounded = (rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below) * step;
        return Math.abs(rounded) > largest ? Math.sign(x) * Infinity : rounded;
      }
    `,
  },
} as const;
