/**
 * What passes, plans and lints may count on of an op, whatever else it does:
 *
 * - `commutative`: its operands may change places without changing a bit of the result;
 * - `moves`: each element of the result is one of an operand, or that one as another dtype has it;
 * - `view`: its result is its operand seen otherwise, so that it costs no step;
 * - `known`: its elements stand in its attributes, so that it costs no step either;
 * - `norm`: the result is normed by a mean or a size of what it reads; `row_norm`: by those of its row, the last axis;
 * - `jumps`: the result jumps where an operand differs in its last bit.
 */
export type Trait = "commutative" | "moves" | "view" | "known" | "norm" | "row_norm" | "jumps";
