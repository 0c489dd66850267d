import { define } from "../utils.ts";
import Frame from "./(_islands)/Frame.tsx";

export default define.page(() => (
  <Frame>
    <b>inside</b>
  </Frame>
));
