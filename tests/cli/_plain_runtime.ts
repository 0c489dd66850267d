/**
 * Runs the .onnx files that are named, in npm's `onnxruntime-node` by its own JavaScript API. Inputs are what
 * `fill` gives; prints every output of every file as JSON.
 */
import { InferenceSession, Tensor } from "onnxruntime-node";
import { fill } from "./_numbers.ts";

interface Wish {
  readonly path: string;
  readonly inputs: readonly { name: string; dtype: string; shape: (number | string)[] }[];
}

const wishes: readonly Wish[] = JSON.parse(Deno.args[0]!);
const results: Record<string, number[]>[] = [];
for (const { path, inputs } of wishes) {
  const session = await InferenceSession.create(path);
  const feeds: Record<string, Tensor> = {};
  for (const { name, dtype, shape } of inputs) {
    const dims = shape.map((size) => typeof size === "string" ? 192 : size);
    feeds[name] = new Tensor(dtype as "float32", fill(name, dtype, dims) as Float32Array, dims);
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
