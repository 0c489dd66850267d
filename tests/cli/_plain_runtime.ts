/**
 * Runs the .onnx files that are named, in npm's `onnxruntime-node` by its own JavaScript API. Inputs are what
 * `fill` gives; where there are values of some, those, and zeros for the others. Prints every output of every file as JSON.
 */
import { InferenceSession, Tensor } from "onnxruntime-node";
import { fill } from "./_numbers.ts";

interface Wish {
  readonly path: string;
  readonly inputs: readonly { name: string; dtype: string; shape: (number | string)[] }[];
  readonly values?: Readonly<Record<string, readonly number[]>>;
}

const wishes: readonly Wish[] = JSON.parse(Deno.args[0]!);
const results: Record<string, number[]>[] = [];
for (const { path, inputs, values } of wishes) {
  const session = await InferenceSession.create(path);
  const feeds: Record<string, Tensor> = {};
  for (const { name, dtype, shape } of inputs) {
    const dims = shape.map((size) => typeof size === "string" ? 192 : size);
    const count = dims.reduce((a, b) => a * b, 1);
    const data = values ? Float32Array.from(values[name] ?? new Array(count).fill(0)) : undefined;
    const filled = data ?? fill(name, dtype, dims) as Float32Array;
    feeds[name] = new Tensor(dtype as "float32", filled, dims);
  }
  const outputs = await session.run(feeds);
  results.push(
    Object.fromEntries(
      Object.entries(outputs).map((
        [name, { data }],
      ) => [name, Array.from(data as Float32Array, Number)]),
    ),
  );
}
console.log(JSON.stringify(results));
