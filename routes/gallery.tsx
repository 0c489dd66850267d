import { Head } from "fresh/runtime";
import { page } from "fresh";
import { define } from "../server/state.ts";
import { lightRun } from "./(_studio)/run_events.ts";
import { PAGE_SIZE } from "./(_studio)/gallery_store.ts";
import Gallery from "./(_islands)/Gallery.tsx";

export const handler = define.handlers({
  GET({ state }) {
    const { runs, ...rest } = state.studio.list({ limit: PAGE_SIZE });
    return page({ ...rest, runs: runs.map(lightRun) });
  },
});

export default define.page<typeof handler>(function GalleryPage({ data }) {
  return (
    <div class="page">
      <Head>
        <title>Gallery · Sluice</title>
      </Head>
      <Gallery page={data} />
    </div>
  );
});
