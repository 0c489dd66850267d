/** Element types, shapes, 16-bit floats and tensors in host memory. Imports nothing. */

export {
  arrayOf,
  bytesPer,
  type DataConstructor,
  type DataOf,
  type DType,
  dtypeOfOnnx,
  dtypes,
  isDType,
  isFloat,
  onnxTypeOf,
  type TensorData,
} from "./dtype.ts";
export {
  broadcastShapes,
  byteLength,
  elementCount,
  formatShape,
  sameShape,
  type Shape,
  stridesOf,
} from "./shape.ts";
export {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
  toFloat32,
} from "./half.ts";
export { bytesOf, type HostTensor, hostTensor, viewBytes, zeros } from "./host_tensor.ts";
