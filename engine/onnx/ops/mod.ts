/** One function an operator, by family. They check their operands and infer what comes out. */

export * from "./attention.ts";
export * from "./conv.ts";
export * from "./elementwise.ts";
export * from "./linear.ts";
export * from "./norm.ts";
export * from "./quantized.ts";
export * from "./shape.ts";
