/** Whether every operator of the float16 graphs has a kernel on WebGPU: to be told without an adapter that has float16. */

import { assertRejects } from "@std/assert";
import {
  causalWan,
  causalWanSequence,
  type Precision,
  type TaehvConfig,
  taehvDecoder,
  taehvEncoder,
  wan,
  wan2_1_vae,
  wanContext,
  wanVaeDecoder,
  wanVaeEncoder,
} from "../../../engine/networks/mod.ts";
import { type Graph, writeModel } from "../../../engine/onnx/mod.ts";
import { type Device, openDevice, OrtError } from "../../../engine/runtime/mod.ts";
import { bytesPer } from "../../../engine/tensor/mod.ts";
import { goldenSizes } from "../../plugins/_causal_wan.ts";
import { webgpuIsHere } from "../../_webgpu.ts";

const chunk = { frames: 3, height: 8, width: 12 };
const clip = { frames: 6, height: 8, width: 12 };
const taehvSizes: TaehvConfig = {
  latentChannels: 16,
  patchSize: 2,
  encoderWidth: 8,
  decoderWidths: [32, 16, 8, 8],
  encoderTimeDownscale: [true, true, false],
  decoderTimeUpscale: [false, true, true],
};
const vaeSizes = { ...wan2_1_vae, dim: 8 };
const teacherForcing = { chunk: 3, teacherForcing: true };
const composed = { attention: "composed" } as const;

const networks: Readonly<Record<string, (dtype: Precision) => Graph>> = {
  causalWan: (dtype) => causalWan(goldenSizes, chunk, { dtype }),
  "causalWan, composed": (dtype) => causalWan(goldenSizes, chunk, { dtype, ...composed }),
  "causalWan, a timestep each frame": (dtype) =>
    causalWan(goldenSizes, chunk, { dtype, timePerFrame: true }),
  causalWanSequence: (dtype) => causalWanSequence(goldenSizes, clip, { dtype, ...teacherForcing }),
  wan: (dtype) => wan(goldenSizes, clip, { dtype }),
  wanContext: (dtype) => wanContext(goldenSizes, { dtype }),
  taehvDecoder: (dtype) => taehvDecoder(taehvSizes, chunk, "frames", { dtype }).graph,
  taehvEncoder: (dtype) => {
    const shape = { frames: 4, height: 32, width: 32 };
    return taehvEncoder(taehvSizes, shape, { dtype }).graph;
  },
  "wanVaeDecoder, first": (dtype) =>
    wanVaeDecoder(vaeSizes, chunk, { part: "first", output: "frames", dtype }).graph,
  "wanVaeDecoder, next, composed": (dtype) =>
    wanVaeDecoder(vaeSizes, chunk, { part: "next", output: "frames", dtype, ...composed }).graph,
  wanVaeEncoder: (dtype) => {
    const shape = { frames: 4, height: 64, width: 96 };
    return wanVaeEncoder(vaeSizes, shape, { part: "next", dtype }).graph;
  },
};

/** Loads a graph with weights of zeros. Rejects where a node would run on the CPU. */
async function loadWholly(device: Device, graph: Graph): Promise<void> {
  const model = writeModel(graph, (name) => {
    const { shape, value: { dtype } } = graph.parameters.get(name)!;
    const count = shape.reduce((a, b) => a * b, 1);
    return { dtype, data: new Uint8Array(count * bytesPer(dtype)) };
  });
  const config = { "session.disable_cpu_ep_fallback": "1" };
  await using _session = await device.createSession(model, { config });
}

for (const [name, build] of Object.entries(networks)) {
  Deno.test({
    name: `${name}: no node of the float16 graph falls back to the CPU on webgpu`,
    ignore: !await webgpuIsHere(),
    fn: async () => {
      await using device = await openDevice("webgpu");
      for (const dtype of ["float32", "float16"] as const) {
        try {
          await loadWholly(device, build(dtype));
        } catch (error) {
          // All nodes had found their kernels: only then weights of convolutions are turned, which needs the adapter.
          const tried = error instanceof OrtError && error.message.includes("requires f16");
          if (!tried || dtype === "float32") throw error;
        }
      }
    },
  });
}

Deno.test({
  name: "a node without a kernel on webgpu is told from one that has one",
  ignore: !await webgpuIsHere(),
  fn: async () => {
    await using device = await openDevice("webgpu");
    // Bytes have no kernel there.
    const graph = taehvDecoder(taehvSizes, chunk, "rgb", { dtype: "float16" }).graph;
    await assertRejects(() => loadWholly(device, graph), OrtError, "default CPU EP");
  },
});
