/** The device that a stage computes on. */

import { type Device, DeviceUnavailableError, openDevice } from "../engine/runtime/mod.ts";
import { UserError } from "../pipeline/errors.ts";
import type { CreateContext } from "../pipeline/stage.ts";

/** What a stage's options say about it. */
export interface DeviceChoice {
  readonly device?: string | undefined;
  readonly threads?: number | undefined;
}

/**
 * Opens the stage's own device, or the pipeline's. Two stages compute at the same time, diffusing and
 * decoding, so by default each takes half of the threads. A missing device is the user's to mend.
 */
export async function openStageDevice(
  choice: DeviceChoice,
  { device, threads, signal }: Pick<CreateContext, "device" | "threads" | "signal">,
): Promise<Device> {
  const name = choice.device ?? device;
  try {
    return await openDevice(name, {
      threads: choice.threads ?? Math.max(1, Math.floor(threads / 2)),
      signal,
    });
  } catch (error) {
    if (error instanceof DeviceUnavailableError || error instanceof TypeError) {
      throw new UserError(error.message, { cause: error });
    }
    throw error;
  }
}
