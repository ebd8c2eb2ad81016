#!/usr/bin/python3 -B
"""An HTTP server that never answers: every request is read, counted and held. COUNT_PORT says how many are held.

    slow_server.py PORT COUNT_PORT [CERTIFICATE KEY]      (loopback; the count is always plain)
"""

import asyncio
import ssl
import sys

held = 0


async def hold(reader, writer):
    global held
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await reader.readexactly(int(lengths[0]) if lengths else 0)
        held += 1
        await reader.read(1)
        held -= 1
    except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def count(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    text = str(held).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
    writer.close()


async def main(port, count_port, certificate=None, key=None):
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
    await asyncio.start_server(hold, "127.0.0.1", int(port), ssl=tls, backlog=8192, limit=1 << 14)
    await asyncio.start_server(count, "127.0.0.1", int(count_port))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
