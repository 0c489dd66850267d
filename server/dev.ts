/** Serves the studio for work on its pages: `deno run -A --watch server/dev.ts`. */
import { Builder } from "fresh/dev";
import { createApp, ROOT } from "./main.ts";
import { Studio } from "./studio.ts";

if (import.meta.main) {
  const studio = await Studio.open();
  // Deno's --watch says so before it starts anew; the gallery has one studio at a time.
  addEventListener("unload", () => void studio.close("cancel"));
  await new Builder({ root: ROOT }).listen(() => Promise.resolve(createApp(studio)), {
    hostname: "127.0.0.1",
    port: Number(Deno.env.get("PORT") ?? 8000),
  });
}
