// What every client of the suite needs: typed stubs, a token, repetitions that are safe, and all pages of a list.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";

import * as grpc from "@grpc/grpc-js";
import * as loader from "@grpc/proto-loader";
import protobuf from "protobufjs";

import type { ProtoGrpcType as Journal } from "./generated/journal.js";
import type { ProtoGrpcType as Operations } from "./generated/ticket_service.js";
import type { JournalServiceClient } from "./generated/itsm/journal/v1/JournalService.js";
import type { TicketServiceClient } from "./generated/itsm/operations/v1/TicketService.js";

const proto = fileURLToPath(new URL("../../../proto", import.meta.url));
const shape = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true, includeDirs: [proto] };
const load = (file: string) => grpc.loadPackageDefinition(loader.loadSync(file, shape)) as unknown;
const operations = load("itsm/operations/v1/ticket_service.proto") as Operations;
const journal = load("itsm/journal/v1/journal.proto") as Journal;

// Deadlines for every method, and which of them gRPC itself repeats when a server cannot be reached.
const options = { "grpc.service_config": readFileSync(`${proto}/service_config.json`, "utf8") };

export const address = process.argv[2] ?? "127.0.0.1:7102";
const credentials = grpc.credentials.createInsecure();

/** Tickets, spoken for by the caller of ITSM_TOKEN. */
export const tickets = (): TicketServiceClient =>
  new operations.itsm.operations.v1.TicketService(address, credentials, options);

/** The journal, on a connection of its own: watching it ends when the client is closed. */
export const watcher = (): JournalServiceClient =>
  new journal.itsm.journal.v1.JournalService(address, credentials, options);

/** The metadata of a call: the token. */
export function metadata(): grpc.Metadata {
  const metadata = new grpc.Metadata();
  const token = process.env["ITSM_TOKEN"];
  if (token) metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

/** A unary method with the types of its request and its answer. */
interface Method<Request, Answer> {
  path: string;
  requestSerialize: (request: Request) => Buffer;
  responseDeserialize: (bytes: Buffer) => Answer;
}

/** The methods of tickets: `call(client, methods.GetTicket, { name })`. */
export const methods = operations.itsm.operations.v1.TicketService.service;

/** Calls once. `seconds` is a deadline of its own; without it, that of the service config holds. */
export function call<Request, Answer>(
  client: grpc.Client,
  { path, requestSerialize, responseDeserialize }: Method<Request, Answer>,
  request: Request,
  seconds?: number,
): Promise<Answer> {
  const limits = seconds === undefined ? {} : { deadline: Date.now() + seconds * 1_000 };
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata(), limits, (error, answer) =>
      error ? reject(error) : resolve(answer as Answer),
    );
  });
}

/** Identifies a write: the server answers a repetition with what it answered the first time, for 24 hours. */
export const requestId = (): string => randomUUID();

/** Calls a write until its outcome is known. It is safe to repeat because the request carries its id. */
export async function write<Request, Answer>(
  client: grpc.Client,
  method: Method<Request, Answer>,
  request: Request & { request_id: string },
  attempts = 5,
): Promise<Answer> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call(client, method, request);
    } catch (error) {
      const { code } = error as grpc.ServiceError;
      // A write may have happened after the first two; after the third nothing did, and the server says when to come.
      const again =
        code === grpc.status.DEADLINE_EXCEEDED ||
        code === grpc.status.UNAVAILABLE ||
        code === grpc.status.RESOURCE_EXHAUSTED;
      if (!again || attempt + 1 === attempts) throw error;
      await sleep(Math.max(details(error as grpc.ServiceError).retryMilliseconds, 100 * 2 ** attempt));
    }
  }
}

/** Every item of a list, page by page. */
export async function* pages<Item, Page extends { next_page_token: string }, Request extends { page_token?: string }>(
  client: grpc.Client,
  method: Method<Request, Page>,
  request: Request,
  items: (page: Page) => Item[],
): AsyncGenerator<Item> {
  let page_token = "";
  do {
    const page = await call(client, method, { ...request, page_token });
    yield* items(page);
    page_token = page.next_page_token;
  } while (page_token);
}

const { root } = protobuf.parse(`
  syntax = "proto3";
  package google.rpc;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
`, { keepCase: true });

interface Details {
  /** The stable reason of a refusal, such as ETAG_MISMATCH. */
  reason: string;
  /** What a program needs to react. */
  metadata: Record<string, string>;
  /** When another attempt makes sense; 0 when the server does not say. */
  retryMilliseconds: number;
}

/** What a refusal carries besides its sentence. */
export function details(error: grpc.ServiceError): Details {
  const found: Details = { reason: "", metadata: {}, retryMilliseconds: 0 };
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  if (!(bytes instanceof Buffer)) return found;
  const read = (name: string, value: Uint8Array) => {
    const type = root.lookupType(`google.rpc.${name}`);
    return type.toObject(type.decode(value), { longs: Number, defaults: true });
  };
  for (const { type_url, value } of read("Status", bytes)["details"] ?? []) {
    if (type_url.endsWith("/google.rpc.ErrorInfo")) {
      const { reason, metadata } = read("ErrorInfo", value);
      Object.assign(found, { reason, metadata });
    } else if (type_url.endsWith("/google.rpc.RetryInfo")) {
      const { seconds, nanos } = read("RetryInfo", value)["retry_delay"];
      found.retryMilliseconds = seconds * 1_000 + nanos / 1e6;
    }
  }
  return found;
}
