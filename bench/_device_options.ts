/** What `device.bench.ts` is asked for. */

import { parseArgs } from "node:util";
import { parseDevice } from "../engine/runtime/mod.ts";

/** The command line. */
export interface DeviceBenchOptions {
  readonly device: string;
  readonly quick: boolean;
  /** Whether the whole Wan2.1-1.3B is measured behind the checks. */
  readonly wan: boolean;
  readonly threads: number;
  /** Parts of groups' or checks' names that are wanted; empty for all. */
  readonly only: readonly string[];
  /** Seconds of one check before the device counts as hanging. */
  readonly limit: number;
  readonly json: string | undefined;
}

export const deviceHelp =
  `The first minutes on a card: is what it computes right, and how fast is it.

    deno run -A bench/device.bench.ts --device cuda --json device.json

  --device D    cpu (default), webgpu, cuda, cuda:1 …
  --quick       small sizes and fewer networks: seconds on a CPU, minutes on a software adapter; a card
                chooses other kernels for the real sizes, so that only a run without it counts there
  --no-wan      leaves out bench/wan.bench.ts behind the checks
  --only A,B    checks whose group or name has one of these words; no ceilings, no Wan
  --limit N     seconds of one check, after which the device counts as hanging (300)
  --threads N   of the CPU
  --json FILE   all rows, written again after each
`;

/** Reads the command line; throws a RangeError or TypeError that says what is wrong with it. */
export function parseDeviceOptions(args: string[]): DeviceBenchOptions | "help" {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values } = parseArgs({
    args,
    options: {
      help: flag,
      device: text,
      quick: flag,
      "no-wan": flag,
      only: text,
      limit: text,
      threads: text,
      json: text,
    },
  });
  if (values.help) return "help";
  const device = values.device ?? "cpu";
  parseDevice(device);
  const only = values.only?.split(",").filter((word) => word !== "") ?? [];
  return {
    device,
    quick: values.quick ?? false,
    wan: !values["no-wan"] && only.length === 0,
    threads: whole("threads", values.threads, navigator.hardwareConcurrency),
    only,
    limit: whole("limit", values.limit, 300),
    json: values.json,
  };
}

function whole(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`--${name}: expected a whole number from 1, got ${text}`);
}
