// Imports rows over a stream, reading the answers while it writes, and goes on where an earlier run stopped.
//
// usage: node build/import_tickets.js [HOST:PORT of operations]

import assert from "node:assert/strict";
import { Readable, Writable } from "node:stream";

import * as grpc from "@grpc/grpc-js";

import type { ImportTicketsRequest } from "./generated/itsm/operations/v1/ImportTicketsRequest.js";
import type { ImportTicketsResponse__Output } from "./generated/itsm/operations/v1/ImportTicketsResponse.js";
import { call, metadata, methods, requestId, tickets } from "./client.js";

const ROWS = 1_200;
const began = Date.UTC(2026, 0, 5, 8) / 1_000;
const client = tickets();

/** The rows of the file that come after one that is committed. Written here; yours come from a file. */
function* rows(import_id: string, source_system: string, after: number): Generator<ImportTicketsRequest> {
  for (let number = after + 1; number <= ROWS; number += 1) {
    const time = { seconds: began + number * 60 };
    // Row 700 lacks its id: it is reported, and stops nothing.
    const source_id = number === 700 ? "" : `T${String(number).padStart(5, "0")}`;
    yield {
      import_id,
      sequence: number,
      snapshot: {
        source_system,
        source_id,
        observe_time: time,
        open_time: time,
        process: "processes/incident",
        state: "new",
        title: `Row ${number}`,
        impact: 2,
        urgency: 3,
      },
    };
  }
}

/** How far an earlier run came; 0 when there was none. */
async function committed(import_id: string): Promise<number> {
  try {
    return Number((await call(client, methods.GetImport, { import_id })).committed_through);
  } catch (error) {
    if ((error as grpc.ServiceError).code === grpc.status.NOT_FOUND) return 0;
    throw error;
  }
}

/** Sends what is not committed; rows wait while the server has enough, and answers are read meanwhile. */
async function run(import_id: string, source: string) {
  const stream = client.ImportTickets(metadata());
  const sent = Readable.from(rows(import_id, source, await committed(import_id))).pipe(stream as unknown as Writable);
  sent.on("error", () => {}); // the reading side below gets the same error, as a refusal
  let created = 0;
  const failures: string[] = [];
  for await (const answer of stream as AsyncIterable<ImportTicketsResponse__Output>) {
    created += Number(answer.created_count);
    failures.push(...answer.failures.map((failure) => failure.sequence));
    console.log(
      `committed through ${answer.committed_through}: ` +
        `${answer.created_count} created, ${answer.unchanged_count} unchanged`,
    );
  }
  return { created, failures };
}

const import_id = requestId();
const source = `example-${import_id.slice(0, 8)}`;
const { created, failures } = await run(import_id, source);
console.log(`${created} created, left out: ${failures}`);
assert.equal(created, ROWS - 1);
assert.deepEqual(failures, ["700"]);
assert.equal((await run(import_id, source)).created, 0, "a second run has nothing left to do");
client.close();
