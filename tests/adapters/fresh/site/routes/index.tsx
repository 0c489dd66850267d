import { useSignal } from "@preact/signals";
import { Head } from "fresh/runtime";
import { page } from "fresh";
import { define, jobs } from "../utils.ts";
import Counter from "./(_islands)/Counter.tsx";
import JobForm from "./(_islands)/JobForm.tsx";

/** Would break out of a script that is not careful. */
const HINT = '</script><b>"&';

export const handler = define.handlers({
  GET() {
    return page({ jobs: [...jobs.values()] }, { headers: { "x-page": "home" } });
  },
});

export default define.page<typeof handler>(function Home({ data, state }) {
  const count = useSignal(3);
  return (
    <main>
      <Head>
        <title>Home · {state.title}</title>
        <meta name="description" content="d" />
      </Head>
      <h1>Site &lt;one&gt;</h1>
      <JobForm initial={data.jobs} hint={HINT} since={new Date(0)} />
      <Counter count={count} step={2} />
      <Counter count={count} step={10} />
    </main>
  );
});
