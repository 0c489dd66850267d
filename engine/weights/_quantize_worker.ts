/** Runs in a Worker: makes rows in few bits, together with others like it. */

import { type RowsReply, type RowsWork, workRows } from "./_quantize_job.ts";

interface Scope {
  onmessage: ((event: MessageEvent<RowsWork>) => void) | null;
  postMessage(reply: RowsReply): void;
}

const scope = self as unknown as Scope;

scope.onmessage = ({ data }) => void workRows(data, (reply) => scope.postMessage(reply));
