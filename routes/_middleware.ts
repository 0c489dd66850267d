import { secure } from "../server/security.ts";

export default secure;
