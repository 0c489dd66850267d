/** Element types: names, sizes, ONNX numbers and the typed array that holds them on the host. */

/**
 * The typed array of each element type. bfloat16 has none in JavaScript, so its values are their 16
 * bits; a bool is a byte, 0 or 1.
 */
export interface DataOf {
  /** IEEE 754 binary64. */
  readonly float64: Float64Array;
  /** IEEE 754 binary32. */
  readonly float32: Float32Array;
  /** IEEE 754 binary16, up to 65,504. */
  readonly float16: Float16Array;
  /** The upper 16 bits of a float32: its range, 8 bits of precision. */
  readonly bfloat16: Uint16Array;
  /** −2^63 … 2^63 − 1. */
  readonly int64: BigInt64Array;
  /** −2^31 … 2^31 − 1. */
  readonly int32: Int32Array;
  /** −32,768 … 32,767. */
  readonly int16: Int16Array;
  /** −128 … 127. */
  readonly int8: Int8Array;
  /** 0 … 2^64 − 1. */
  readonly uint64: BigUint64Array;
  /** 0 … 2^32 − 1. */
  readonly uint32: Uint32Array;
  /** 0 … 65,535. */
  readonly uint16: Uint16Array;
  /** 0 … 255. */
  readonly uint8: Uint8Array;
  /** 0 or 1 a byte. */
  readonly bool: Uint8Array;
}

/** Element type of a tensor. */
export type DType = keyof DataOf;

/** Any typed array that a tensor's elements may lie in. */
export type TensorData = DataOf[DType];

/** Makes typed arrays of one kind. */
export interface DataConstructor<T> {
  /** Size of one element in bytes. */
  readonly BYTES_PER_ELEMENT: number;
  /** Of `length` zeros. */
  new (length: number): T;
  /** A view of a buffer: `byteOffset` in bytes, a multiple of an element's size; `length` in elements. */
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
