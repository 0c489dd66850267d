/** Whole networks on the device: those of the golden files, then the embedded pipeline from prompt to pictures. */

import { decode, diffuse, encodeText, extendPrompt, pipe } from "../mod.ts";
import type { Precision } from "../engine/networks/mod.ts";
import type { Device } from "../engine/runtime/mod.ts";
import { float16Cases } from "../tests/float16/_cases.ts";
import { errorOf, type Float16Case } from "../tests/float16/_compare.ts";
import type { Bench, Check, Outcome } from "./_device_check.ts";

/** The device, as often as it is opened, open until whoever owns it closes it. */
function lent(device: Device): Device {
  return {
    kind: device.kind,
    name: device.name,
    threads: device.threads,
    get busySeconds() {
      return device.busySeconds;
    },
    createSession: (model, options) => device.createSession(model, options),
    createTensor: (dtype, shape, options) => device.createTensor(dtype, shape, options),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Of float32: some forty times what the CPU's sums are off from PyTorch's at most, and a tenth of what TF32 is. */
const FLOAT32_BOUND = 1e-4;

/** Latents that a model makes of its own latents, seven chunks on, carry what is off along and let it grow. */
const GROWING = /7 chunks|noise to 81/;

/** The table's bounds are for sums in float32; WebGPU's shaders sum in float16. */
const FLOAT16_SUMS = 10;

function networkCheck(each: Float16Case, dtype: Precision): Check {
  return {
    group: `golden networks in ${dtype}`,
    name: each.name,
    dtype,
    async run({ device, attention }): Promise<Outcome> {
      const place = { open: () => Promise.resolve(lent(device)), attention };
      const began = performance.now();
      const compared = await each.run(dtype, place);
      const firstMs = performance.now() - began;
      const { largest, magnitude, psnr } = errorOf(compared, each.range);
      const wide = dtype === "float32";
      // Bytes of pictures are rounded, so that the least difference is one of 255.
      const bytes = each.range?.[1] === 255;
      const bound = bytes ? 3 / 255 : GROWING.test(each.name) ? 2e-3 : FLOAT32_BOUND;
      const loose = device.kind === "webgpu" ? FLOAT16_SUMS : 2;
      const least = wide ? 60 : each.psnr! - (device.kind === "webgpu" ? 15 : 5);
      return {
        error: largest / magnitude,
        allowed: wide ? bound : Math.min(0.5, loose * each.bound),
        firstMs,
        ...(psnr !== undefined && { psnr, leastPsnr: least }),
        ...(wide && !bytes && { note: "1e-3 would mean TF32" }),
      };
    },
  };
}

/** Latent frames of the embedded pipeline: a chunk or the whole clip. */
function pipelineCheck(precision: Precision): Check {
  return {
    group: "embedded pipeline",
    name: "prompt to pictures",
    dtype: precision,
    async run({ device, reference, quick }: Bench): Promise<Outcome> {
      const latentFrames = quick ? 6 : 21;
      const actual = await film(device.name, precision, latentFrames);
      const expected = await film(reference.name, "float32", latentFrames);
      const compared = { actual: actual.pictures, expected: expected.pictures };
      const { largest, psnr } = errorOf(compared, [0, 255]);
      const wide = precision === "float32";
      const leastPsnr = wide ? 50 : device.kind === "webgpu" ? 30 : 40;
      return {
        error: largest / 255,
        allowed: wide ? 0.05 : 0.5,
        psnr: psnr!,
        leastPsnr,
        firstMs: actual.loadMs + actual.runMs,
        steadyMs: actual.runMs,
        note: `${latentFrames} latent frames`,
      };
    },
  };
}

interface Film {
  readonly pictures: Uint8Array;
  readonly loadMs: number;
  readonly runMs: number;
}

async function film(device: string, precision: Precision, latentFrames: number): Promise<Film> {
  const began = performance.now();
  await using open = await pipe(
    extendPrompt({ provider: "template" }),
    encodeText({ precision }),
    diffuse({ latentFrames, window: 9, precision }),
    decode({ precision }),
  ).open({ device });
  const loaded = performance.now();
  const parts: BlobPart[] = [];
  const prompt = { text: "a red ball bounces on a green floor", seed: 1 };
  for await (const { data } of open.run(prompt)) parts.push(data.slice());
  const runMs = performance.now() - loaded;
  const pictures = new Uint8Array(await new Blob(parts).arrayBuffer());
  return { pictures, loadMs: loaded - began, runMs };
}

/** Every golden network in float32, then in the device's own float16; then the pipeline. */
export const networkChecks: readonly Check[] = [
  ...(["float32", "float16"] as const).flatMap((dtype) =>
    float16Cases.map((each) => networkCheck(each, dtype))
  ),
  ...(["float32", "float16"] as const).map(pipelineCheck),
];
