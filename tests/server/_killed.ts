/** A studio that makes one run after another until somebody ends its process. Arguments: its folder. */
import { openFake } from "./_fakes.ts";

const { studio, warnings } = await openFake({ queue: 2 }, Deno.args[0]!);
// What a studio found in its gallery, for whoever started it.
console.log(
  JSON.stringify({ runs: studio.list({ limit: 100 }).runs.map(({ id }) => id), warnings }),
);
while (true) {
  const { id } = await studio.create({ prompt: "grey", options: { "paint.wait": 5 }, frames: 33 });
  await studio.running(id)?.ended;
  console.log(`finished ${id}`);
}
