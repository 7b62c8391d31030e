"""Follows the journal and survives a cut: it resumes after the last change it has processed, so none is lost or repeated.

usage: watch.py [HOST:PORT of operations]
"""

import sys

import grpc

import client
from itsm.journal.v1 import journal_pb2
from itsm.journal.v1 import journal_pb2_grpc
from itsm.operations.v1 import ticket_service_pb2 as pb
from itsm.operations.v1 import ticket_service_pb2_grpc as rpc


def follow(address, process, resume_token="", from_start=False, filter=""):
    """Hands every change to `process` until it returns True; connects again when the stream is cut."""
    while True:
        stub = journal_pb2_grpc.JournalServiceStub(client.channel(address))
        request = journal_pb2.WatchJournalRequest(
            filter=filter, resume_token=resume_token, from_start=from_start and not resume_token
        )
        try:
            for message in stub.WatchJournal(request):
                done = bool(message.entries) and process(message.entries)
                # Only what was processed is passed over at the next start: keep the token where you keep your work.
                resume_token = message.resume_token
                if done:
                    return resume_token
        except grpc.RpcError as error:
            if error.code() not in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}:
                raise  # RESUME_TOKEN_TOO_OLD among others: read the state anew, then watch from the oldest token


def main(address="127.0.0.1:7102"):
    tickets = rpc.TicketServiceStub(client.channel(address))
    created = []
    for number in range(6):
        request = pb.CreateTicketRequest(
            ticket=pb.Ticket(process="processes/incident", title=f"Watched {number}", impact=3, urgency=3),
            request_id=client.request_id(),
        )
        created.append(client.write(tickets.CreateTicket, request).name)

    seen = []

    def until(number):
        def process(entries):
            assert len({entry.change_id for entry in entries}) == 1, "one message, one change"
            seen.extend(entry.subject for entry in entries if entry.subject in created)
            return len(seen) >= number

        return process

    kinds = 'kind = "ticket.opened.v1"'
    token = follow(address, until(3), from_start=True, filter=kinds)
    print(f"cut after {len(seen)} of {len(created)}")
    follow(address, until(len(created)), resume_token=token, filter=kinds)
    print(f"resumed, {len(seen)} in all")
    assert seen == created, (seen, created)


if __name__ == "__main__":
    main(*sys.argv[1:])
