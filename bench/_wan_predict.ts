import type { WanBenchRequest } from "./_wan_options.ts";
export function printPrediction(_: WanBenchRequest): void {}
