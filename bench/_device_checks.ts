/** All checks of a device, in the order of risk. */

import type { Bench, Check } from "./_device_check.ts";
import { copyChecks } from "./_device_copies.ts";
import { networkChecks } from "./_device_networks.ts";
import { operatorChecks } from "./_device_operator_checks.ts";

/** CUDA has 16-bit floats on every card that ONNX Runtime runs on: a probe that fails there has found a fault. */
const precision: Check = {
  group: "precision",
  name: "float16Works",
  run: ({ device, float16 }) =>
    Promise.resolve({
      error: float16 || device.kind !== "cuda" ? 0 : Infinity,
      allowed: 0,
      note: float16 ? "" : device.kind === "cuda" ? "every card has 16-bit floats" : "it has none",
    }),
};

/** Golden networks that quick runs leave out: others are like them. */
const alike = /sink 0|sink 3|window 4|teacher|7 chunks|81 pictures/;

/** Those that are wanted. */
export function deviceChecks({ quick }: Bench, only: readonly string[]): readonly Check[] {
  return [precision, ...copyChecks, ...operatorChecks, ...networkChecks].filter(
    ({ group, name, dtype = "" }) =>
      only.length > 0
        ? only.some((word) =>
          `${group} ${name} ${dtype}`.toLowerCase().includes(word.toLowerCase())
        )
        : !(quick && alike.test(name)),
  );
}
