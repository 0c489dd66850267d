import type { Core } from "./_core.ts";
export function openCuda(_core: Core, _index: number): Promise<void> {
  throw new TypeError("cannot open this device yet");
}
