import { assertEquals } from "@std/assert";
import { plugins } from "../../mod.ts";
import { parseConfig } from "../../pipeline/config.ts";
import { planRun } from "../../server/plan.ts";
import { StudioRun } from "../../server/run.ts";

const TEXT = `name: two
timeline: [{ at: 0.5s, prompt: a blue ball }]
stages:
  - use: encode-text
  - use: diffuse
  - use: decode
  - use: encode-video
    with: { fps: 8 }
`;

Deno.test("StudioRun begins with the timeline of its pipeline, in pictures of its rate", async () => {
  const config = await parseConfig(TEXT, { plugins, file: "two.yaml" });
  const request = { pipeline: "two", prompt: "a red ball", seed: 3 };
  const { prompt, plan } = new StudioRun(request, planRun(config, request));
  assertEquals(prompt, {
    text: "a red ball",
    seed: 3,
    then: [{ from: 4, text: "a blue ball" }],
  });
  // What is kept with the video tells it too.
  const kept = await parseConfig(plan.config, { plugins, file: "kept.yaml" });
  assertEquals(kept.timeline, [{ at: 0.5, prompt: "a blue ball" }]);
});
