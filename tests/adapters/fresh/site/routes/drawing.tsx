import { Head } from "fresh/runtime";
import { define } from "../utils.ts";

export default define.page(() => (
  <main>
    <Head>
      <title>A page</title>
    </Head>
    <svg role="img">
      <title>A drawing</title>
    </svg>
  </main>
));
