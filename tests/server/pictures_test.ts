import { assertEquals, assertThrows } from "@std/assert";
import { latentsFor, nearestPictures, picturesOf } from "../../server/pictures.ts";
import { sizeOfInit } from "../../server/movie_size.ts";

Deno.test("latentsFor() and picturesOf() are each other's inverse on whole chunks", () => {
  for (const latents of [0, 3, 6, 21, 300]) {
    assertEquals(latentsFor(picturesOf(latents), 3), latents);
  }
  assertEquals([picturesOf(3), picturesOf(21)], [9, 81]);
  assertThrows(() => latentsFor(80, 3), RangeError, "Nearest: 81 or 69; 0 goes on");
  assertThrows(() => latentsFor(1, 3), RangeError, "Nearest: 9;");
  assertEquals(nearestPictures(33, 3), [33]);
});

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
