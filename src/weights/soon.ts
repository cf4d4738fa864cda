import type { Elements } from "./elements.ts";

/** A value that is there, or comes later. */
export type Soon<T> = T | Promise<T>;

/** Elements of a tensor from one up to another, as floats or as whole numbers. */
export type ReadElements = (kind: "f32" | "i32", first: number, end: number) => Soon<Elements>;

export const andThen = <A, B>(value: Soon<A>, make: (value: A) => Soon<B>): Soon<B> =>
  value instanceof Promise ? value.then(make) : make(value);
