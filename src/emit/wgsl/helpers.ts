import { fragment } from "../module/text.ts";
import type { Helper } from "../module/helpers.ts";

/** In the order in which a shader has them. */
export const helpers = {
  from_bits: {
    code: fragment`
      // A variable keeps the compiler from refusing an infinity or NaN.
      fn from_bits(pattern: u32) -> f32 {
        var bits = pattern;
        return bitcast<f32>(bits);
      }
    `,
  },
  is_nan: {
    code: fragment`
      // By its bits: a device may take it that no number is NaN, and then x != x is false.
      fn is_nan(x: f32) -> bool {
        return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
      }
    `,
  },
  smaller: {
    uses: ["is_nan"],
    code: fragment`
      // WGSL's min may give either of a number and NaN.
      fn smaller(x: f32, y: f32) -> f32 {
        return select(select(min(x, y), y, is_nan(y)), x, is_nan(x));
      }
    `,
  },
  larger: {
    uses: ["is_nan"],
    code: fragment`
      // WGSL's max may give either of a number and NaN.
      fn larger(x: f32, y: f32) -> f32 {
        return select(select(max(x, y), y, is_nan(y)), x, is_nan(x));
      }
    `,
  },
  whole: {
    code: fragment`
      // The whole part modulo 2^32, as JavaScript converts; 0 of what is infinite or NaN. WGSL's own stops at the ends of i32.
      fn whole(x: f32) -> i32 {
        if ((bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u) {
          return 0;
        }
        if (abs(x) < 2147483648.0) {
          return i32(x);
        }
        return bitcast<i32>(u32(x - 4294967296.0 * floor(x / 4294967296.0)));
      }
    `,
  },
  safe_exp: {
    uses: ["is_nan"],
    code: fragment`
      // Some devices make a number of NaN.
      fn safe_exp(x: f32) -> f32 {
        return select(exp(x), x, is_nan(x));
      }
    `,
  },
  safe_tanh: {
    uses: ["is_nan"],
    code: fragment`
      // Some devices compute tanh by powers of e that overflow (beyond 15 it is ±1 in f32) and that cancel near 0; there
      // it is a polynomial (Cephes' tanhf, relative error 1e-7).
      fn safe_tanh(x: f32) -> f32 {
        let s = x * x;
        let high = -0.0537397155531 + s * (0.0206390887954 - s * 0.00570498872745);
        let series = x + x * s * (-0.333332819422 + s * (0.133314422036 + s * high));
        return select(select(tanh(clamp(x, -15.0, 15.0)), series, abs(x) < 0.625), x, is_nan(x));
      }
    `,
  },
  safe_log: {
    uses: ["from_bits", "is_nan"],
    code: fragment`
      // Devices differ in what log gives where it has no number.
      fn safe_log(x: f32) -> f32 {
        let known = select(log(x), from_bits(0xff800000u), x == 0.0);
        return select(known, from_bits(0x7fc00000u), x < 0.0 || is_nan(x));
      }
    `,
  },
  sigmoid: {
    uses: ["safe_exp"],
    code: fragment`
      fn sigmoid(x: f32) -> f32 {
        return 1.0 / (1.0 + safe_exp(-x));
      }
    `,
  },
  relu: {
    code: fragment`
      fn relu(x: f32) -> f32 {
        return select(x, 0.0, x < 0.0);
      }
    `,
  },
  silu: {
    code: fragment`
      // e^88 is the largest that f32 holds.
      fn silu(x: f32) -> f32 {
        return select(x / (1.0 + exp(-x)), 0.0, x < -88.0);
      }
    `,
  },
  softplus: {
    uses: ["is_nan"],
    code: fragment`
      // log(1 + u) for u = e^-|x|: a small one by its series, as 1 + u loses the last digits of u.
      fn softplus(x: f32) -> f32 {
        let u = exp(-abs(x));
        let series = u * (1.0 - u * (0.5 - u * (1.0 / 3.0 - u * (0.25 - u * (0.2 - u / 6.0)))));
        return select(max(x, 0.0) + select(log(1.0 + u), series, u < 0.1), x, is_nan(x));
      }
    `,
  },
  erfc: {
    code: fragment`
      // 1 - erf(x) by the Chebyshev fit of Numerical Recipes, section 6.2; its relative error is at most 1.2e-7.
      fn erfc(x: f32) -> f32 {
        let t = 1.0 / (1.0 + 0.5 * abs(x));
        let low = 0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277)));
        let fit = -1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806 + t * low))));
        let tail = t * exp(fit - x * x);
        return select(tail, 2.0 - tail, x < 0.0);
      }
    `,
  },
  erf: {
    uses: ["erfc"],
    code: fragment`
      // Near 0 by its power series, which keeps the relative error small there.
      fn erf(x: f32) -> f32 {
        let s = x * x;
        let series = 1.0 - s * (1.0 / 3.0 - s * (0.1 - s * (1.0 / 42.0 - s * (1.0 / 216.0 - s / 1320.0))));
        return select(1.1283791670955126 * x * series, 1.0 - erfc(x), abs(x) > 0.5);
      }
    `,
  },
  gelu: {
    uses: ["erfc"],
    code: fragment`
      fn gelu(x: f32) -> f32 {
        return 0.5 * x * erfc(-0.7071067811865476 * x);
      }
    `,
  },
  gelu_tanh: {
    uses: ["safe_tanh"],
    code: fragment`
      fn gelu_tanh(x: f32) -> f32 {
        return 0.5 * x * (1.0 + safe_tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
      }
    `,
  },
  power: {
    uses: ["from_bits", "is_nan"],
    code: fragment`
      // WGSL's pow has no negative base; a whole exponent gives it one. Devices differ in powers of 0.
      fn power(x: f32, y: f32) -> f32 {
        let of_zero = select(0.0, from_bits(0x7f800000u), y < 0.0);
        let size = select(pow(abs(x), y), of_zero, x == 0.0);
        let is_odd = abs(y - 2.0 * trunc(y / 2.0)) == 1.0;
        let signed = select(size, -size, x < 0.0 && is_odd);
        let is_root = x < 0.0 && y != trunc(y) && x > -3.4e38;
        let is_none = is_nan(x) || is_nan(y) || is_root || (abs(x) == 1.0 && abs(y) > 3.4e38);
        return select(select(signed, from_bits(0x7fc00000u), is_none), 1.0, y == 0.0);
      }
    `,
  },
  power_i32: {
    code: fragment`
      // By squaring: a float would round. A negative exponent leaves the whole part of a fraction.
      fn power_i32(x: i32, y: i32) -> i32 {
        if (y < 0) {
          return select(0, select(1, x, (y & 1) == 1), abs(x) == 1);
        }
        var result = 1;
        var square = x;
        for (var left = y; left > 0; left = left >> 1u) {
          if ((left & 1) == 1) {
            result *= square;
          }
          square *= square;
        }
        return result;
      }
    `,
  },
  modulo: {
    code: fragment`
      // The remainder that has the sign of y. The quotient is rounded, so that its floor may be one off.
      fn modulo(x: f32, y: f32) -> f32 {
        if (abs(x) < abs(y)) {
          return select(x + y, x, x == 0.0 || (x < 0.0) == (y < 0.0));
        }
        var rest = x - y * floor(x / y);
        rest += select(0.0, y, rest != 0.0 && (rest < 0.0) != (y < 0.0));
        return rest - select(0.0, y, abs(rest) >= abs(y));
      }
    `,
  },
  modulo_i32: {
    code: fragment`
      // The remainder that has the sign of y.
      fn modulo_i32(x: i32, y: i32) -> i32 {
        let rest = x % y;
        return select(rest, rest + y, rest != 0 && (rest < 0) != (y < 0));
      }
    `,
  },
  round_f16: {
    code: fragment`
      // The nearest f16, ties to even: 10 stored bits, steps of 2^-24 below 2^-14, infinite from 65520.
      fn round_f16(x: f32) -> f32 {
        var bits = bitcast<u32>(x);
        let size = abs(x);
        if (size < 0x1p-14) {
          return round(x * 0x1p24) * 0x1p-24;
        }
        if (size >= 65520.0) {
          bits = (bits & 0x80000000u) | select(0x7f800000u, 0x7fc00000u, (bits & 0x7fffffffu) > 0x7f800000u);
          return bitcast<f32>(bits);
        }
        bits = (bits + 0xfffu + ((bits >> 13u) & 1u)) & 0xffffe000u;
        return bitcast<f32>(bits);
      }
    `,
  },
  round_bf16: {
    code: fragment`
      // The nearest bfloat16, ties to even: the upper half of an f32.
      fn round_bf16(x: f32) -> f32 {
        var bits = bitcast<u32>(x);
        if ((bits & 0x7fffffffu) > 0x7f800000u) {
          return x;
        }
        bits = (bits + 0x7fffu + ((bits >> 16u) & 1u)) & 0xffff0000u;
        return bitcast<f32>(bits);
      }
    `,
  },
  threefry: {
    code: fragment`
      // The first word of Threefry-2x32 with 20 rounds (Salmon et al. 2011).
      fn threefry(key: vec2u, counter: vec2u) -> u32 {
        let keys = array<u32, 3>(key.x, key.y, key.x ^ key.y ^ 0x1bd11bdau);
        var turns = array<u32, 8>(13u, 15u, 26u, 6u, 17u, 29u, 16u, 24u);
        var x = counter.x + keys[0];
        var y = counter.y + keys[1];
        var key_x = keys[1];
        var key_y = keys[2];
        var key_next = keys[0];
        for (var round = 0u; round < 20u; round++) {
          let turn = turns[round % 8u];
          x += y;
          y = ((y << turn) | (y >> (32u - turn))) ^ x;
          if (round % 4u == 3u) {
            x += key_x;
            y += key_y + round / 4u + 1u;
            let used = key_x;
            key_x = key_y;
            key_y = key_next;
            key_next = used;
          }
        }
        return x;
      }
    `,
  },
  cosine_and_sine: {
    code: fragment`
      // Devices differ in sine and cosine, some by 2e-4, so these are polynomials (Cephes' sinf and cosf, error 1e-7) on
      // [-π/4, π/4]; quarter turns are taken away in three parts of π/2, which is exact for angles up to 1e5. Beyond, what
      // is left of the digits goes, but not the range.
      fn cosine_and_sine(angle: f32) -> vec2f {
        let quarters = round(angle * 0.6366197723675814);
        let rest = ((angle - quarters * 1.5703125) - quarters * 0.0004837512969970703) - quarters * 7.549790126404332e-8;
        let r = clamp(rest, -0.7853982, 0.7853982);
        let s = r * r;
        let sine = r + r * s * (-0.16666654611 + s * (0.0083321608736 - s * 0.00019515295891));
        let cosine = 1.0 - 0.5 * s + s * s * (0.041666645683 + s * (-0.0013887316255 + s * 0.000024433157118));
        switch (i32(quarters) & 3) {
          case 0: { return vec2f(cosine, sine); }
          case 1: { return vec2f(-sine, cosine); }
          case 2: { return vec2f(-cosine, -sine); }
          default: { return vec2f(sine, -cosine); }
        }
      }
    `,
  },
  turned: {
    uses: ["cosine_and_sine", "from_bits"],
    code: fragment`
      // None of what is infinite or NaN.
      fn turned(x: f32) -> vec2f {
        let is_none = (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u;
        return select(cosine_and_sine(x), vec2f(from_bits(0x7fc00000u)), is_none);
      }
    `,
  },
  safe_sin: {
    uses: ["turned"],
    code: fragment`
      fn safe_sin(x: f32) -> f32 {
        return turned(x).y;
      }
    `,
  },
  safe_cos: {
    uses: ["turned"],
    code: fragment`
      fn safe_cos(x: f32) -> f32 {
        return turned(x).x;
      }
    `,
  },
} as const satisfies Readonly<Record<string, Helper>>;

export type HelperName = keyof typeof helpers;
