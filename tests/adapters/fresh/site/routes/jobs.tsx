import { define, jobs } from "../utils.ts";

export default define.page(async (ctx) => {
  await Promise.resolve();
  if (ctx.url.searchParams.has("boom")) throw new Error("boom");
  return (
    <main>
      <h1>{jobs.size} jobs</h1>
    </main>
  );
});
