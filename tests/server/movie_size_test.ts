import { assertEquals } from "@std/assert";
import { sizeOfInit } from "../../server/movie_size.ts";

Deno.test("sizeOfInit() reads the track header and nothing that is torn", () => {
  const box = new Uint8Array(8 + 84);
  const view = new DataView(box.buffer);
  view.setUint32(0, box.length);
  view.setUint32(4, 0x746b6864);
  view.setUint32(box.length - 8, 832 << 16);
  view.setUint32(box.length - 4, 480 << 16);
  const init = new Uint8Array([0, 0, 0, 8, 0x66, 0x72, 0x65, 0x65, ...box]);
  assertEquals(sizeOfInit(init), { width: 832, height: 480 });
  assertEquals(sizeOfInit(new Uint8Array([9, ...init]).subarray(1)), { width: 832, height: 480 });
  for (const length of [0, 3, 12, 20, init.length - 1]) {
    assertEquals(sizeOfInit(init.subarray(0, length)), undefined, `${length} bytes`);
  }
});
