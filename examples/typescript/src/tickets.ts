// Creates a ticket exactly once however often it has to be asked, refuses to overwrite, and reads all pages.
//
// usage: node build/tickets.js [HOST:PORT of operations]

import assert from "node:assert/strict";

import * as grpc from "@grpc/grpc-js";

import { call, details, methods, pages, requestId, tickets, write } from "./client.js";

const client = tickets();

// A deadline of a millisecond passes before the answer can be here. Whether the ticket was created is not known, so
// the same request goes out again, under the same id.
const request = {
  ticket: { process: "processes/incident", title: "Mail is slow", impact: 2, urgency: 2, requester: "people/ann" },
  request_id: requestId(),
};
await call(client, methods.CreateTicket, request, 0.001).catch((error: grpc.ServiceError) => {
  console.log(`first attempt: ${grpc.status[error.code]}`);
});
const ticket = await write(client, methods.CreateTicket, request);
const again = await write(client, methods.CreateTicket, request);
console.log(`created ${ticket.name}; asked again, ${again.name}`);
assert.equal(again.name, ticket.name, "one request id, one ticket");

// Two change what they read; the second is told.
const { name, etag } = ticket;
const changed = await write(client, methods.AssignTicket, {
  name,
  etag,
  assignment: { group: "groups/mail" },
  request_id: requestId(),
});
await assert.rejects(
  call(client, methods.AssignTicket, { name, etag, assignment: { group: "groups/network" }, request_id: requestId() }),
  (error: grpc.ServiceError) => {
    const { reason, metadata } = details(error);
    console.log(`refused: ${reason}, the etag is now ${metadata["etag"]}`);
    return reason === "ETAG_MISMATCH" && metadata["etag"] === changed.etag;
  },
);

for (let number = 0; number < 4; number += 1) {
  const one = { process: "processes/incident", title: `Mail ${number}`, impact: 3, urgency: 3 };
  await write(client, methods.CreateTicket, { ticket: one, request_id: requestId() });
}
const filter = 'practice = "incident"';
const names: string[] = [];
const everything = { filter, order_by: "name", page_size: 2 };
for await (const found of pages(client, methods.ListTickets, everything, (page) => page.tickets)) {
  names.push(found.name);
}
const { total_count } = await call(client, methods.CountTickets, { filter });
console.log(`${names.length} incidents in pages of 2`);
assert.equal(new Set(names).size, names.length);
assert.equal(names.length, Number(total_count));
assert.ok(names.includes(name));
client.close();
