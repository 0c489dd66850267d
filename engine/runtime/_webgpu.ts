import type { Core } from "./_core.ts";
export interface WebgpuOptions {
  readonly validation?: "full";
}
export function openWebgpu(_core: Core, _options: WebgpuOptions): Promise<void> {
  throw new TypeError("cannot open this device yet");
}
