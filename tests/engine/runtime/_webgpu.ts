import { DeviceUnavailableError, openDevice } from "../../../engine/runtime/mod.ts";

/** Why there is no WebGPU device here; undefined where there is one. */
export const noWebgpu: string | undefined = await openDevice("webgpu").then(
  async (device) => {
    await device[Symbol.asyncDispose]();
    return undefined;
  },
  (error) => {
    if (!(error instanceof DeviceUnavailableError)) throw error;
    return error.message;
  },
);

if (noWebgpu !== undefined) console.error(`skipping the tests on webgpu: ${noWebgpu}`);
