import { fragment } from "../../module/text.ts";

/** Scalar functions that JavaScript does not have, or has only slow: `Math.exp` takes 9.5 ns, `exp` 2.9 (Zen 3, Node 20). */
export const mathHelpers = {
  exp: {
    declares: ["fractions", "powers"],
    code: fragment`
      /** 2 to the powers 0, 1/64, … 63/64, and to all whole ones of float64. */
      const fractions = Float64Array.from({ length: 64 }, (_, i) => 2 ** (i / 64));
      const powers = Float64Array.from({ length: 2130 }, (_, i) => 2 ** (i - 1088));

      /**
       * e^x = 2^(n / 64) · e^r for the whole n that is nearest, |r| ≤ ln 2 / 128, and e^r by its series: to a relative
       * 4e-11. Adding 1.5 · 2⁵² and taking it away rounds to a whole number.
       */
      function exp(x«: number»)«: number» {
        const bounded = Math.min(Math.max(x, -750), 720);
        const n = bounded * 92.33248261893578 + 6755399441055744 - 6755399441055744;
        const r = bounded - n * 0.010830424696249145;
        const i = n | 0;
        return fractions[i & 63] * powers[(i >> 6) + 1088] * (1 + r * (1 + r * (0.5 + r * 0.16666666666666666)));
      }
    `,
  },
  sigmoid: {
    uses: ["exp"],
    code: fragment`
      function sigmoid(x«: number»)«: number» {
        return 1 / (1 + exp(-x));
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
      /** The remainder that has the sign of y, exactly: a quotient would be rounded before its floor is taken. */
      function mod(x«: number», y«: number»)«: number» {
        const rest = (x % y) + 0;
        return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
      }
    `,
  },
  silu: {
    uses: ["exp"],
    code: fragment`
      function silu(x«: number»)«: number» {
        return x === -Infinity ? -0 : x / (1 + exp(-x));
      }
    `,
  },
  softplus: {
    uses: ["exp"],
    code: fragment`
      function softplus(x«: number»)«: number» {
        return Math.max(x, 0) + Math.log1p(exp(-Math.abs(x)));
      }
    `,
  },
  erfc: {
    uses: ["exp"],
    code: fragment`
      /** 1 - erf(x) by the Chebyshev fit of Numerical Recipes, section 6.2; its relative error is at most 1.2e-7. */
      function erfc(x«: number»)«: number» {
        const t = 1 / (1 + 0.5 * Math.abs(x));
        const t2 = t * t;
        const t4 = t2 * t2;
        const low = -1.26551223 + t * 1.00002368 + t2 * (0.37409196 + t * 0.09678418);
        const high = -0.18628806 + t * 0.27886807 + t2 * (-1.13520398 + t * 1.48851587);
        const fit = low + t4 * (high + t4 * (-0.82215223 + t * 0.17087277));
        const tail = t * exp(fit - x * x);
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
    uses: ["exp"],
    code: fragment`
      /** 0.5 x (1 + tanh u) = x / (1 + e^(-2u)). */
      function gelu_tanh(x«: number»)«: number» {
        return x / (1 + exp(-1.5957691216057308 * (x + 0.044715 * x * x * x)));
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
