import { define } from "../utils.ts";

export default define.layout(function Layout({ Component, url }) {
  return (
    <div class="shell">
      <small>{url.pathname}</small>
      <Component />
    </div>
  );
});
