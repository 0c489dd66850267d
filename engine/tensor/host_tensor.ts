/** A dense tensor in the process's own memory. */

import { arrayOf, type DataOf, type DType } from "./dtype.ts";
import { elementCount, formatShape, type Shape } from "./shape.ts";

/** A dense tensor in the process's own memory, elements row by row. */
export type HostTensor<D extends DType = DType> = {
  readonly [T in D]: {
    readonly dtype: T;
    readonly shape: Shape;
    readonly data: DataOf[T];
  };
}[D];

/**
 * A tensor around existing elements; throws a TypeError where their type or number does not fit.
 */
export function hostTensor<D extends DType>(
  dtype: D,
  shape: Shape,
  data: DataOf[D],
): HostTensor<D> {
  const array = arrayOf(dtype);
  if (!(data instanceof array)) {
    throw new TypeError(
      `cannot make a ${dtype} tensor: expected ${
        (array as unknown as { name: string }).name
      }, got ${(data as object)?.constructor?.name ?? typeof data}`,
    );
  }
  const count = elementCount(shape);
  if ((data as { length: number }).length !== count) {
    throw new TypeError(
      `cannot make a tensor of shape ${formatShape(shape)}: expected ${count} elements, got ${
        (data as { length: number }).length
      }`,
    );
  }
  return { dtype, shape, data } as HostTensor<D>;
}

/** A tensor of zeros. */
export function zeros<D extends DType>(dtype: D, shape: Shape): HostTensor<D> {
  const array = arrayOf(dtype);
  return { dtype, shape, data: new array(elementCount(shape)) } as HostTensor<D>;
}

/** The bytes of a tensor, not copied. */
export function bytesOf(tensor: HostTensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = tensor.data;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * The elements that lie in `bytes`, not copied where they are aligned to the element's size. Throws
 * a TypeError where the bytes are no whole number of elements.
 */
export function viewBytes<D extends DType>(dtype: D, bytes: Uint8Array): DataOf[D] {
  const array = arrayOf(dtype);
  const size = array.BYTES_PER_ELEMENT;
  if (bytes.byteLength % size !== 0) {
    throw new TypeError(
      `cannot view ${bytes.byteLength} bytes as ${dtype}: expected a multiple of ${size}`,
    );
  }
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return new array(aligned.buffer, aligned.byteOffset, bytes.byteLength / size);
}
