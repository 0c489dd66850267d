/** What a session takes and gives. */

import { type DType, dtypeOfOnnx, formatShape, type Shape } from "../tensor/mod.ts";
import type { Environment } from "./_core.ts";
import { dimensions, out, readHandles, readText } from "./_native.ts";

/** An input or output of a session. */
export interface Port {
  /** Name in the graph. */
  readonly name: string;
  /** Element type. */
  readonly dtype: DType;
  /** Sizes; a name where the size is symbolic, -1 where it is unknown. */
  readonly shape: readonly (number | string)[];
}

/** The session's inputs or outputs, in the graph's order. */
export function portsOf(
  { native, hostAllocator }: Environment,
  session: bigint,
  side: "Input" | "Output",
): Port[] {
  const handle = out();
  native.call(`SessionGet${side}Count`, session, handle);
  return Array.from({ length: Number(handle[0]!) }, (_, index) => {
    native.call(`SessionGet${side}Name`, session, index, hostAllocator, handle);
    const name = readText(handle[0]!);
    native.call("AllocatorFree", hostAllocator, handle[0]!);
    native.call(`SessionGet${side}TypeInfo`, session, index, handle);
    const type = handle[0]!;
    try {
      native.call("CastTypeInfoToTensorInfo", type, handle);
      const info = handle[0]!;
      if (info === 0n) {
        throw new TypeError(
          `cannot use ${side.toLowerCase()} ${name} of the graph: expected a tensor, got a sequence or map`,
        );
      }
      const { dtype, shape } = tensorInfo({ native }, info);
      const names = out(Math.max(1, shape.length));
      native.call("GetSymbolicDimensions", info, names, shape.length);
      return { name, dtype, shape: shape.map((size, axis) => readText(names[axis]!) || size) };
    } finally {
      native.call("ReleaseTypeInfo", type);
    }
  });
}

/** Type and sizes of an `OrtTensorTypeAndShapeInfo*`. */
export function tensorInfo(
  { native }: Pick<Environment, "native">,
  info: bigint,
): { readonly dtype: DType; readonly shape: number[] } {
  const handle = out();
  native.call("GetDimensionsCount", info, handle);
  const rank = Number(handle[0]!);
  const sizes = dimensions(new Array(rank).fill(0));
  native.call("GetDimensions", info, sizes, rank);
  const type = new Int32Array(new ArrayBuffer(4));
  native.call("GetTensorElementType", info, type);
  return { dtype: dtypeOfOnnx(type[0]!), shape: Array.from(sizes.subarray(0, rank), Number) };
}

/** Names of the execution providers that are built into the library. */
export function availableProviders({ native }: Pick<Environment, "native">): string[] {
  const list = out();
  const length = new Int32Array(new ArrayBuffer(4));
  native.call("GetAvailableProviders", list, length);
  const names = readHandles(list[0]!, length[0]!).map(readText);
  native.call("ReleaseAvailableProviders", list[0]!, length[0]!);
  return names;
}

/** The port of that name; throws a TypeError that lists the names there are. */
export function portNamed(ports: readonly Port[], name: string, side: "input" | "output"): Port {
  const port = ports.find((port) => port.name === name);
  if (port !== undefined) return port;
  throw new TypeError(
    `cannot bind ${side} ${name}: the session has no such ${side}. Expected one of ${
      ports.map((port) => port.name).join(", ")
    }`,
  );
}

/** Throws a TypeError where a tensor's type or shape is not what the port takes. */
export function checkFit(
  port: Port,
  side: "input" | "output",
  tensor: { readonly dtype: DType; readonly shape: Shape },
): void {
  const fits = port.dtype === tensor.dtype && port.shape.length === tensor.shape.length &&
    port.shape.every((size, axis) =>
      typeof size === "string" || size < 0 || size === tensor.shape[axis]
    );
  if (fits) return;
  throw new TypeError(
    `cannot bind ${side} ${port.name}: expected ${port.dtype} ${formatShape(port.shape)}, ` +
      `got ${tensor.dtype} ${formatShape(tensor.shape)}`,
  );
}
