// Follows the journal and survives a cut: it resumes after the last change it has processed, so none is lost or repeated.
//
// usage: node build/watch.js [HOST:PORT of operations]

import assert from "node:assert/strict";

import * as grpc from "@grpc/grpc-js";

import type { JournalEntry__Output } from "./generated/itsm/journal/v1/JournalEntry.js";
import type { WatchJournalResponse__Output } from "./generated/itsm/journal/v1/WatchJournalResponse.js";
import { metadata, methods, requestId, tickets, watcher, write } from "./client.js";

/** Hands every change to `process` until it returns true; connects again when the stream is cut. */
async function follow(
  filter: string,
  resume_token: string,
  process: (entries: JournalEntry__Output[]) => boolean,
): Promise<string> {
  for (;;) {
    const client = watcher();
    const stream = client.WatchJournal({ filter, resume_token, from_start: !resume_token }, metadata());
    try {
      for await (const message of stream as AsyncIterable<WatchJournalResponse__Output>) {
        const done = message.entries.length > 0 && process(message.entries);
        // Only what was processed is passed over at the next start: keep the token where you keep your work.
        resume_token = message.resume_token;
        if (done) return resume_token;
      }
    } catch (error) {
      const { code } = error as grpc.ServiceError;
      // RESUME_TOKEN_TOO_OLD among others: read the state anew, then watch from the oldest token.
      if (code !== grpc.status.UNAVAILABLE && code !== grpc.status.RESOURCE_EXHAUSTED) throw error;
    } finally {
      stream.cancel();
      client.close();
    }
  }
}

const client = tickets();
const created: string[] = [];
for (let number = 0; number < 6; number += 1) {
  const ticket = { process: "processes/incident", title: `Watched ${number}`, impact: 3, urgency: 3 };
  created.push((await write(client, methods.CreateTicket, { ticket, request_id: requestId() })).name);
}
client.close();

const seen: string[] = [];
const until = (number: number) => (entries: JournalEntry__Output[]) => {
  assert.equal(new Set(entries.map((entry) => entry.change_id)).size, 1, "one message, one change");
  seen.push(...entries.map((entry) => entry.subject).filter((subject) => created.includes(subject)));
  return seen.length >= number;
};
const opened = 'kind = "ticket.opened.v1"';
const token = await follow(opened, "", until(3));
console.log(`cut after ${seen.length} of ${created.length}`);
await follow(opened, token, until(created.length));
console.log(`resumed, ${seen.length} in all`);
assert.deepEqual(seen, created);
