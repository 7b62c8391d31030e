"""Creates a ticket exactly once however often it has to be asked, refuses to overwrite, and reads all pages.

usage: tickets.py [HOST:PORT of operations]
"""

import sys

import grpc

import client
from itsm.operations.v1 import ticket_service_pb2 as pb
from itsm.operations.v1 import ticket_service_pb2_grpc as rpc


def main(address="127.0.0.1:7102"):
    tickets = rpc.TicketServiceStub(client.channel(address))

    # A deadline of a millisecond passes before the answer can be here. Whether the ticket was created is not known,
    # so the same request goes out again, under the same id.
    request = pb.CreateTicketRequest(
        ticket=pb.Ticket(
            process="processes/incident", title="Mail is slow", impact=2, urgency=2, requester="people/ann"
        ),
        request_id=client.request_id(),
    )
    try:
        tickets.CreateTicket(request, timeout=0.001)
    except grpc.RpcError as error:
        print(f"first attempt: {error.code().name}")
    ticket = client.write(tickets.CreateTicket, request)
    again = client.write(tickets.CreateTicket, request)
    print(f"created {ticket.name}; asked again, {again.name}")
    assert again.name == ticket.name, "one request id, one ticket"

    # Two change what they read; the second is told.
    changed = client.write(
        tickets.AssignTicket,
        pb.AssignTicketRequest(
            name=ticket.name,
            assignment=pb.Assignment(group="groups/mail"),
            etag=ticket.etag,
            request_id=client.request_id(),
        ),
    )
    try:
        tickets.AssignTicket(
            pb.AssignTicketRequest(
                name=ticket.name,
                assignment=pb.Assignment(group="groups/network"),
                etag=ticket.etag,
                request_id=client.request_id(),
            )
        )
        raise AssertionError("an old etag must be refused")
    except grpc.RpcError as error:
        reason, metadata = client.reason(error)
        print(f"refused: {reason}, the etag is now {metadata.get('etag')}")
        assert reason == "ETAG_MISMATCH" and metadata.get("etag") == changed.etag

    for number in range(4):
        one = pb.Ticket(process="processes/incident", title=f"Mail {number}", impact=3, urgency=3)
        client.write(tickets.CreateTicket, pb.CreateTicketRequest(ticket=one, request_id=client.request_id()))
    everything = pb.ListTicketsRequest(filter='practice = "incident"', order_by="name", page_size=2)
    names = [found.name for found in client.pages(tickets.ListTickets, everything, "tickets")]
    count = tickets.CountTickets(pb.CountTicketsRequest(filter='practice = "incident"')).total_count
    print(f"{len(names)} incidents in pages of 2")
    assert len(names) == len(set(names)) == count and ticket.name in names


if __name__ == "__main__":
    main(*sys.argv[1:])
