/** Element types: names, sizes, ONNX numbers and the typed array that holds them on the host. */

/**
 * The typed array of each element type. bfloat16 has none in JavaScript, so its values are their 16
 * bits; a bool is a byte, 0 or 1.
 */
export interface DataOf {
  readonly float64: Float64Array;
  readonly float32: Float32Array;
  readonly float16: Float16Array;
  readonly bfloat16: Uint16Array;
  readonly int64: BigInt64Array;
  readonly int32: Int32Array;
  readonly int16: Int16Array;
  readonly int8: Int8Array;
  readonly uint64: BigUint64Array;
  readonly uint32: Uint32Array;
  readonly uint16: Uint16Array;
  readonly uint8: Uint8Array;
  readonly bool: Uint8Array;
}

/** Element type of a tensor. */
export type DType = keyof DataOf;

/** Any typed array that a tensor's elements may lie in. */
export type TensorData = DataOf[DType];

interface DataConstructor<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): T;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): T;
}

interface Facts<T> {
  /** `TensorProto.DataType` of onnx.proto. */
  readonly onnx: number;
  readonly array: DataConstructor<T>;
}

const facts: { readonly [D in DType]: Facts<DataOf[D]> } = {
  float64: { onnx: 11, array: Float64Array },
  float32: { onnx: 1, array: Float32Array },
  float16: { onnx: 10, array: Float16Array },
  bfloat16: { onnx: 16, array: Uint16Array },
  int64: { onnx: 7, array: BigInt64Array },
  int32: { onnx: 6, array: Int32Array },
  int16: { onnx: 5, array: Int16Array },
  int8: { onnx: 3, array: Int8Array },
  uint64: { onnx: 13, array: BigUint64Array },
  uint32: { onnx: 12, array: Uint32Array },
  uint16: { onnx: 4, array: Uint16Array },
  uint8: { onnx: 2, array: Uint8Array },
  bool: { onnx: 9, array: Uint8Array },
};

const byOnnx = new Map(
  (Object.keys(facts) as DType[]).map((dtype) => [facts[dtype].onnx, dtype] as const),
);

/** Every element type. */
export const dtypes: readonly DType[] = Object.freeze(Object.keys(facts) as DType[]);

/** Whether a word names an element type. */
export function isDType(name: string): name is DType {
  return Object.hasOwn(facts, name);
}

/** Size of one element in bytes. */
export function bytesPer(dtype: DType): 1 | 2 | 4 | 8 {
  return facts[dtype].array.BYTES_PER_ELEMENT as 1 | 2 | 4 | 8;
}

/** Whether the type is a floating-point one. */
export function isFloat(dtype: DType): dtype is "float64" | "float32" | "float16" | "bfloat16" {
  return dtype.includes("float");
}

/** Number of the type in ONNX files (`TensorProto.DataType`). */
export function onnxTypeOf(dtype: DType): number {
  return facts[dtype].onnx;
}

/**
 * Type of an ONNX number; throws a RangeError where the number names a type that is not in use
 * here.
 */
export function dtypeOfOnnx(type: number): DType {
  const dtype = byOnnx.get(type);
  if (dtype === undefined) {
    throw new RangeError(
      `cannot name ONNX element type ${type}: expected one of ${[...byOnnx.keys()].join(", ")}`,
    );
  }
  return dtype;
}

/** Constructor of the typed array for an element type. */
export function arrayOf<D extends DType>(dtype: D): DataConstructor<DataOf[D]> {
  return facts[dtype].array as DataConstructor<DataOf[D]>;
}
