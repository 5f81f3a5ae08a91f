"""TLS in front of a plain address: python tls_front.py CERT KEY HOST:PORT [--client-ca PEM] [--old] [--1.2] [--h2];
prints where it listens. With an authority it asks for a certificate of it; --old speaks TLS 1.0 and 1.1 alone, --1.2
TLS 1.2; --h2 agrees on HTTP/2, which the plain address has to speak."""
import select
import socket
import ssl
import sys
import threading
import warnings

cert, key, plain = sys.argv[1:4]
host, port = plain.rsplit(":", 1)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
context.set_alpn_protocols(["h2" if "--h2" in sys.argv else "http/1.1"])
if "--client-ca" in sys.argv:
    context.load_verify_locations(sys.argv[sys.argv.index("--client-ca") + 1])
    context.verify_mode = ssl.CERT_REQUIRED
if "--old" in sys.argv:
    warnings.simplefilter("ignore", DeprecationWarning)
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT@SECLEVEL=0")
if "--1.2" in sys.argv:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
listener = socket.create_server(("127.0.0.1", 0), backlog=64)
print(f"127.0.0.1:{listener.getsockname()[1]}", flush=True)


def serve(connection):
    try:
        client = context.wrap_socket(connection, server_side=True)
    except OSError:
        return
    with client, socket.create_connection((host, int(port))) as upstream:
        other = {client: upstream, upstream: client}
        try:
            # One thread for both ways: a TLS socket is not to be read and written at once.
            while True:
                ready = [client] if client.pending() else select.select([client, upstream], [], [])[0]
                for side in ready:
                    data = side.recv(65536)
                    if not data:
                        return
                    other[side].sendall(data)
        except OSError:
            pass


while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
