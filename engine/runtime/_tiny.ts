/** One small session that keeps a GPU provider alive between others. */

import type { Core } from "./_core.ts";
import { out } from "./_native.ts";

/**
 * Opens a session with the core's provider, which stays open as long as the device: it shows that the provider
 * works, its allocator gives the device's memory, and a provider's compiled kernels live as long as any of
 * its sessions. Gives the `OrtSession*`; the core owns it.
 */
export async function openTiny(core: Core): Promise<bigint> {
  const { native, env, executor } = core;
  const handle = out();
  native.call("CreateSessionOptions", handle);
  const options = handle[0]!;
  try {
    native.call("SetIntraOpNumThreads", options, 1);
    await core.appendProvider(options);
    await executor.call("CreateSessionFromArray", env, tiny, tiny.byteLength, options, handle);
  } finally {
    native.call("ReleaseSessionOptions", options);
  }
  const session = handle[0]!;
  core.owned.add(async () => void await executor.call("ReleaseSession", session));
  return session;
}

/** A ModelProto: IR 10, opset 21, y = Relu(x), both float32 [1]. */
const tiny = new Uint8Array([
  ...[8, 10, 58, 51],
  ...[10, 12, 10, 1, 120, 18, 1, 121, 34, 4, 82, 101, 108, 117],
  ...[18, 1, 103],
  ...[90, 15, 10, 1, 120, 18, 10, 10, 8, 8, 1, 18, 4, 10, 2, 8, 1],
  ...[98, 15, 10, 1, 121, 18, 10, 10, 8, 8, 1, 18, 4, 10, 2, 8, 1],
  ...[66, 2, 16, 21],
]);
