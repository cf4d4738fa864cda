import type { Serving } from "../calls.ts";

export type TrainCalls = { readonly none: { request: undefined; result: undefined; news: never } };

export const training: Serving<TrainCalls> = { none: () => undefined };
