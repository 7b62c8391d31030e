"""What every client of the suite needs: a channel, a token, repetitions that are safe, and all pages of a list."""

import os
import pathlib
import sys
import time
import uuid

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE / "generated"))

# Deadlines for every method, and which of them gRPC itself repeats when a server cannot be reached.
SERVICE_CONFIG = (HERE / "../../proto/service_config.json").resolve().read_text()

# After these, a write may have happened: it is safe to repeat it with the same request id, and only with that.
UNKNOWN_OUTCOME = {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE}
# After this, nothing happened, and the server says when to come again.
BUSY = grpc.StatusCode.RESOURCE_EXHAUSTED


class _Token(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamStreamClientInterceptor):
    """Adds the caller's token to every call."""

    def __init__(self, token):
        self._metadata = [("authorization", f"Bearer {token}")] if token else []

    def _with_token(self, details):
        return details._replace(metadata=[*(details.metadata or []), *self._metadata])

    def intercept_unary_unary(self, call, details, request):
        return call(self._with_token(details), request)

    intercept_unary_stream = intercept_unary_unary
    intercept_stream_stream = intercept_unary_unary


def channel(address, token=os.environ.get("ITSM_TOKEN", "")):
    """A connection to one server; the deadlines and retries of the service config apply."""
    options = [("grpc.service_config", SERVICE_CONFIG), ("grpc.enable_retries", 1)]
    return grpc.intercept_channel(grpc.insecure_channel(address, options), _Token(token))


def request_id():
    """Identifies a write: the server answers a repetition with what it answered the first time, for 24 hours."""
    return str(uuid.uuid4())


def reason(error):
    """The stable reason of a refusal, such as ETAG_MISMATCH, and what a program needs to react."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info.reason, dict(info.metadata)
    return "", {}


def _retry_delay(error):
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            return info.retry_delay.ToTimedelta().total_seconds()
    return 0.0


def write(method, request, timeout=10.0, attempts=5):
    """Calls a write until its outcome is known. The request must carry its request id."""
    assert request.request_id, "a write that may be repeated needs a request id"
    for attempt in range(attempts):
        try:
            return method(request, timeout=timeout)
        except grpc.RpcError as error:
            if error.code() not in UNKNOWN_OUTCOME | {BUSY} or attempt == attempts - 1:
                raise
            time.sleep(max(_retry_delay(error), 0.1 * 2**attempt))


def pages(method, request, items):
    """Every item of a list, page by page; `items` is the name of the repeated field."""
    while True:
        page = method(request)
        yield from getattr(page, items)
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
