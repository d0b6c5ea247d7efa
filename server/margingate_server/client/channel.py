"""The connection to a server."""

import grpc

PLAIN_SCHEME = "http://"
TLS_SCHEME = "https://"

REQUEST_BYTES_MAX = 1 << 20
"""The server's own limit: a larger request is refused here."""
RESPONSE_BYTES_MAX = 16 << 20

# With a keepalive time the kernel also ends a connection whose peer no longer acknowledges, so that
# a retry does not wait on a dead one. A peer that acknowledges and does not answer hangs: that is
# told by pings, for which a minute would be waited. Reconnecting starts fast, for retries come
# within a second.
OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.max_send_message_length", REQUEST_BYTES_MAX),
    ("grpc.max_receive_message_length", RESPONSE_BYTES_MAX),
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
)


def open_channel(target: str, root_certificates: bytes | None) -> grpc.Channel:
    """A channel to `target`: host:port in the clear, https://host:port with TLS.

    root_certificates: PEM of who signed the server's certificate; None for the system's.
    """
    if target.startswith(TLS_SCHEME):
        credentials = grpc.ssl_channel_credentials(root_certificates=root_certificates)
        return grpc.secure_channel(target.removeprefix(TLS_SCHEME), credentials, options=OPTIONS)
    return grpc.insecure_channel(target.removeprefix(PLAIN_SCHEME), options=OPTIONS)
