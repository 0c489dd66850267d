/** What this machine can run graphs on, for `doctor`. */

import { openEnvironment } from "./_core.ts";
import { openDevice } from "./device.ts";
import { DeviceUnavailableError } from "./errors.ts";
import { findLibrary, type Library } from "./library.ts";
import { availableProviders } from "./_signature.ts";

/** Whether a device can be used, and what to do if not. */
export type DeviceReport =
  | { readonly device: string; readonly available: true }
  | {
    readonly device: string;
    readonly available: false;
    readonly reason: string;
    readonly remedy: string;
  };

/** What was found of ONNX Runtime. */
export interface RuntimeReport {
  /** The library; undefined where there is none, or none that works: then `problem` says why. */
  readonly library: (Library & { readonly version: string }) | undefined;
  /** Why there is no library, or none that works. */
  readonly problem: string | undefined;
  /** Execution providers built into the library, by ONNX Runtime's names. */
  readonly providers: readonly string[];
  /** The devices that were asked about, in that order. */
  readonly devices: readonly DeviceReport[];
}

/** Looks for the library and tries each device once, closing it again. Never rejects for what is missing. */
export async function inspectRuntime(
  devices: readonly string[] = ["cpu", "webgpu", "cuda:0"],
): Promise<RuntimeReport> {
  try {
    const library = findLibrary();
    const environment = openEnvironment();
    const { version } = environment.native;
    const reports: DeviceReport[] = [];
    // One after another: GPU devices share a thread.
    for (const device of devices) reports.push(await tryDevice(device));
    return {
      library: { ...library, version },
      problem: undefined,
      providers: availableProviders(environment),
      devices: reports,
    };
  } catch (error) {
    const problem = (error as Error).message;
    return {
      library: undefined,
      problem,
      providers: [],
      devices: devices.map((device) => ({
        device,
        available: false,
        reason: "ONNX Runtime could not be opened",
        remedy: problem,
      })),
    };
  }
}

async function tryDevice(device: string): Promise<DeviceReport> {
  try {
    await using _ = await openDevice(device, { threads: 1 });
    return { device, available: true };
  } catch (error) {
    if (error instanceof DeviceUnavailableError) {
      return { device, available: false, reason: error.reason, remedy: error.remedy };
    }
    return { device, available: false, reason: (error as Error).message, remedy: "" };
  }
}
