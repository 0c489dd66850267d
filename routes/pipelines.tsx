import { Head } from "fresh/runtime";
import { page } from "fresh";
import { define } from "../server/state.ts";
import type { PipelinesData } from "./(_studio)/pipeline_store.ts";
import Pipelines from "./(_islands)/Pipelines.tsx";

export const handler = define.handlers({
  async GET({ state: { studio }, url }) {
    const pipelines = await studio.pipelines();
    const asked = url.searchParams.get("name");
    const chosen = pipelines.find(({ name }) => name === asked) ??
      pipelines.find((each) => each.default) ?? pipelines[0];
    const data: PipelinesData = {
      pipelines,
      plugins: studio.plugins(),
      chosen: chosen?.name ?? "",
    };
    return page(data);
  },
});

export default define.page<typeof handler>(function PipelinesPage({ data }) {
  return (
    <div class="page">
      <Head>
        <title>Pipelines · Sluice</title>
      </Head>
      <Pipelines data={data} />
    </div>
  );
});
