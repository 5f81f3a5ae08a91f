"""TLS in front of a plain address: python tls_front.py CERT KEY HOST:PORT; prints where it listens."""
import select
import socket
import ssl
import sys
import threading

cert, key, plain = sys.argv[1:4]
host, port = plain.rsplit(":", 1)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
context.set_alpn_protocols(["http/1.1"])
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
