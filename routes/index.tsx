import { Head } from "fresh/runtime";
import { page } from "fresh";
import { define } from "../server/state.ts";
import type { StudioData } from "./(_studio)/store.ts";
import { isOver, lightRun } from "./(_studio)/run_events.ts";
import Studio from "./(_islands)/Studio.tsx";

/** Runs in the row of recent ones. */
const RECENT = 8;

export const handler = define.handlers({
  async GET({ state: { studio }, url }) {
    const asked = (name: string) => {
      const id = url.searchParams.get(name);
      return id === null ? undefined : studio.find(id);
    };
    const recent = studio.list({ limit: RECENT }).runs;
    const pipeline = url.searchParams.get("pipeline");
    const reuse = asked("reuse");
    const from = asked("from");
    const run = asked("run") ?? recent.findLast(({ state }) => !isOver(state)) ?? reuse ?? from ??
      recent.find(({ state }) => state === "finished");
    const data: StudioData = {
      pipelines: await studio.pipelines(),
      plugins: studio.plugins(),
      recent: recent.map(lightRun),
      ...(run !== undefined && { run }),
      ...(reuse !== undefined && { reuse: lightRun(reuse) }),
      ...(from?.video !== undefined && { from: lightRun(from) }),
      ...(pipeline !== null && { pipeline }),
    };
    return page(data);
  },
});

export default define.page<typeof handler>(function Home({ data }) {
  return (
    <>
      <Head>
        <title>Studio · Sluice</title>
      </Head>
      <h1 class="unseen">Studio</h1>
      <Studio data={data} />
    </>
  );
});
