"""Imports rows over a stream, reading the answers while it writes, and goes on where an earlier run stopped.

usage: import_tickets.py [HOST:PORT of operations]
"""

import sys
import uuid
from datetime import datetime, timedelta, timezone

import grpc

import client
from itsm.operations.v1 import ticket_service_pb2 as pb
from itsm.operations.v1 import ticket_service_pb2_grpc as rpc

ROWS = 1_200
BEGAN = datetime(2026, 1, 5, 8, 0, tzinfo=timezone.utc)


def rows(import_id, source, after):
    """The rows of the file that come after one that is committed. Written here; yours come from a file."""
    for number in range(1, ROWS + 1):
        if number <= after:
            continue
        snapshot = pb.TicketSnapshot(
            source_system=source,
            # Row 700 lacks its id: it is reported, and stops nothing.
            source_id="" if number == 700 else f"T{number:05}",
            process="processes/incident",
            state="new",
            title=f"Row {number}",
            impact=2,
            urgency=3,
        )
        snapshot.observe_time.FromDatetime(BEGAN + timedelta(minutes=number))
        snapshot.open_time.FromDatetime(BEGAN + timedelta(minutes=number))
        yield pb.ImportTicketsRequest(import_id=import_id, sequence=number, snapshot=snapshot)


def committed(tickets, import_id):
    """How far an earlier run came; 0 when there was none."""
    try:
        return tickets.GetImport(pb.GetImportRequest(import_id=import_id)).committed_through
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.NOT_FOUND:
            raise
        return 0


def run(tickets, import_id, source):
    """Sends what is not committed. gRPC pulls rows from the generator while the answers are read here."""
    created, failures = 0, []
    for answer in tickets.ImportTickets(rows(import_id, source, committed(tickets, import_id))):
        created += answer.created_count
        failures += [(failure.sequence, failure.reason) for failure in answer.failures]
        print(f"committed through {answer.committed_through}: {answer.created_count} created, {answer.unchanged_count} unchanged")
    return created, failures


def main(address="127.0.0.1:7102"):
    tickets = rpc.TicketServiceStub(client.channel(address))
    import_id = str(uuid.uuid4())
    source = f"example-{import_id[:8]}"
    created, failures = run(tickets, import_id, source)
    print(f"{created} created, left out: {failures}")
    assert created == ROWS - 1 and [sequence for sequence, _ in failures] == [700]
    assert run(tickets, import_id, source)[0] == 0, "a second run has nothing left to do"


if __name__ == "__main__":
    main(*sys.argv[1:])
