import { type HostTensor, hostTensor } from "../../../engine/tensor/mod.ts";

/** A folder that goes away at the end of the scope. */
export function temporaryFolder(): { path: string; [Symbol.dispose](): void } {
  const path = Deno.makeTempDirSync({ prefix: "sluice-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** A safetensors file made of a header's text and a number of zero bytes. */
export function rawFile(header: string, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

/** Three small tensors of different element sizes. */
export function someTensors(): [string, HostTensor][] {
  return [
    ["b.half", hostTensor("float16", [3], new Float16Array([1, -2, 65504]))],
    ["a.bytes", hostTensor("uint8", [5], new Uint8Array([1, 2, 3, 4, 5]))],
    ["c.words", hostTensor("float32", [2, 2], new Float32Array([1, 2, 3, 4]))],
    ["d.long", hostTensor("int64", [], new BigInt64Array([-7n]))],
    ["e.none", hostTensor("float32", [0, 4], new Float32Array())],
  ];
}

/** Numbers in [0, 1) that are the same on each run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
