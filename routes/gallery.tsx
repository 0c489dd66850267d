import { Head } from "fresh/runtime";
import { page } from "fresh";
import { define } from "../server/state.ts";
import { PAGE_SIZE } from "./(_studio)/gallery_store.ts";
import Gallery from "./(_islands)/Gallery.tsx";

export const handler = define.handlers({
  GET: ({ state }) => page(state.studio.list({ limit: PAGE_SIZE })),
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
