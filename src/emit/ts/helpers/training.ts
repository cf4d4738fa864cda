import { fragment } from "../../module/text.ts";

/** What backward kernels share. */
export const trainingHelpers = {
  threefry: {
    declares: ["turns"],
    code: fragment`
      /** The first word of threefry2x32 with 20 rounds (Salmon et al. 2011), 0 to 2³² - 1. */
      function threefry(key0«: number», key1«: number», counter0«: number», counter1«: number»)«: number» {
        const keys = [key0 | 0, key1 | 0, key0 ^ key1 ^ 0x1bd11bda];
        let x = (counter0 + keys[0]) | 0;
        let y = (counter1 + keys[1]) | 0;
        for (let round = 0; round < 20; round++) {
          const turn = turns[round & 7];
          x = (x + y) | 0;
          y = (y << turn) | (y >>> (32 - turn));
          y ^= x;
          if ((round & 3) !== 3) continue;
          const group = (round >> 2) + 1;
          x = (x + keys[group % 3]) | 0;
          y = (y + keys[(group + 1) % 3] + group) | 0;
        }
        return x >>> 0;
      }
      const turns = [13, 15, 26, 6, 17, 29, 16, 24];
    `,
  },
} as const;
