/** Decoders and encoders in float16 let CUDA use its tensor cores; those in float32 do not. */

import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { type Device, openDevice, type SessionOptions } from "../../engine/runtime/mod.ts";
import { openWeightFile } from "../../engine/weights/mod.ts";
import { decoderModels } from "../../plugins/_models.ts";
import { networkOf } from "../../plugins/decode/choose.ts";
import { Decoder } from "../../plugins/decode/decoder.ts";
import { Encoder } from "../../plugins/encode_picture/encoder.ts";
import { encoderOf } from "../../plugins/encode_picture/networks.ts";

/** A device that writes down what sessions are asked of it. */
function noting(device: Device, asked: SessionOptions[]): Device {
  return new Proxy(device, {
    get(target, key) {
      if (key === "createSession") {
        return (model: Uint8Array, options: SessionOptions) => {
          asked.push(options);
          return target.createSession(model, options);
        };
      }
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

for (const dtype of ["float32", "float16"] as const) {
  Deno.test(`sessions of decoder and encoder in ${dtype} have tf32 ${dtype === "float16"}`, async () => {
    const model = decoderModels.embedded;
    const weights = await openWeightFile(fromFileUrl(model.weights));
    const asked: SessionOptions[] = [];
    await using device = await openDevice("cpu", { threads: 1 });
    {
      const network = networkOf(model, "fused", dtype);
      await using decoder = new Decoder(noting(device, asked), network, weights);
      await decoder.prepare({ frames: 1, height: 2, width: 2 });
    }
    assertEquals(asked.map(({ tf32 }) => tf32), [dtype === "float16"]);
    const network = encoderOf(model, "fused", dtype);
    const size = { height: 32, width: 32 };
    await using _ = await Encoder.load(noting(device, asked), network, weights, size);
    assertEquals(asked.map(({ tf32 }) => tf32), [dtype === "float16", dtype === "float16"]);
  });
}
