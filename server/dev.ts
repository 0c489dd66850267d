/** Serves the studio for work on its pages: `deno run -A --watch server/dev.ts`. */
import { Builder } from "fresh/dev";
import { createApp, ROOT } from "./main.ts";
import { Studio } from "./studio.ts";

if (import.meta.main) {
  await using studio = await Studio.open();
  await new Builder({ root: ROOT }).listen(() => Promise.resolve(createApp(studio)), {
    hostname: "127.0.0.1",
    port: Number(Deno.env.get("PORT") ?? 8000),
  });
}
