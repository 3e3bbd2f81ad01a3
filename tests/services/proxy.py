#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A TCP proxy that breaks connections on purpose: between Firesteel and a broker, store or database.

    from proxy import Proxy
    with Proxy("127.0.0.1:9092") as proxy:
        proxy.address                    # "127.0.0.1:PORT": what the client is given
        proxy.delay(250)                 # each piece, in both directions, this many ms later
        proxy.cut()                      # all connections now, with a reset
        proxy.cut_before_reply(1000)     # each connection once it has sent that many bytes from now on:
                                         # they are delivered, no reply to them comes back
        proxy.black_hole()               # connections stay, nothing passes
        proxy.refuse()                   # no new connections, and the present ones are cut
        proxy.normal()                   # as at the beginning; what a black hole held is delivered
        proxy.connections                # how many were made so far

Of itself it runs in a process (so that a busy test cannot slow it down) and takes the same words, one
a line, from standard input; each is answered by a line once it holds. By hand:

    tests/services/proxy.py HOST:PORT [PORT OF ITS OWN]

A Kafka client asks the broker where to go, so the broker has a listener that names the proxy:
    with Proxy(os.environ["KAFKA_PROXIED"], os.environ["KAFKA_PROXY_SERVERS"]) as proxy: ..
"""
from __future__ import annotations

import asyncio
import socket
import struct
import subprocess
import sys

PIECE = 65536
PORTS = (18768, 32768)  # below the range of outgoing connections, see tools/services/lib.sh


class Link:
    """One client's connection, and ours to the target."""

    def __init__(self, proxy: Forwarder, client: asyncio.StreamWriter, target: asyncio.StreamWriter):
        self.proxy, self.client, self.target = proxy, client, target
        self.sent = 0  # bytes of the client that were delivered since the last command
        self.deaf = False  # replies are dropped

    def cut(self) -> None:
        for writer in (self.client, self.target):
            sock = writer.get_extra_info("socket")
            if sock is not None and not writer.transport.is_closing():
                # A reset, not an end: what a died process or a failed link looks like.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_request: bool) -> None:
        proxy = self.proxy
        while data := await reader.read(PIECE):
            await proxy.open.wait()
            if proxy.delay_ms:
                await asyncio.sleep(proxy.delay_ms / 1000)
                await proxy.open.wait()
            if self.deaf and not is_request:
                continue
            if is_request and proxy.cut_after is not None and self.sent + len(data) >= proxy.cut_after:
                self.deaf = True
                writer.write(data[: proxy.cut_after - self.sent])
                await writer.drain()
                await asyncio.sleep(0.05)  # the target reads what has come before it sees the end
                self.cut()
                return
            writer.write(data)
            await writer.drain()
            if is_request:
                self.sent += len(data)
        if writer.can_write_eof():
            writer.write_eof()


class Forwarder:
    def __init__(self, target: str):
        host, port = target.rsplit(":", 1)
        self.target = (host, int(port))
        self.links: set[Link] = set()
        self.connections = 0
        self.port = 0
        self.server: asyncio.Server | None = None
        self.open = asyncio.Event()
        self.reset()

    def reset(self) -> None:
        self.delay_ms = 0.0
        self.cut_after: int | None = None
        self.open.set()

    async def listen(self, port: int) -> None:
        """Port 0: a free one; later always the same."""
        candidates = [port] if port else list(range(*PORTS))
        if not port:
            import random

            random.shuffle(candidates)
        for candidate in candidates:
            try:
                self.server = await asyncio.start_server(self.accept, "127.0.0.1", candidate)
                self.port = candidate
                return
            except OSError:
                if port:
                    raise
        raise OSError("no free port")

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await self.open.wait()
        try:
            target_reader, target_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        link = Link(self, writer, target_writer)
        self.links.add(link)
        pumps = (link.pump(reader, target_writer, True), link.pump(target_reader, writer, False))
        try:
            await asyncio.gather(*pumps)
        except OSError:
            link.cut()
        finally:
            self.links.discard(link)
            for one in (writer, target_writer):
                one.close()

    def cut(self) -> None:
        for link in list(self.links):
            link.cut()

    async def refuse(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None
        self.cut()

    async def command(self, line: str) -> str:
        word, *rest = line.split() or [""]
        number = int(rest[0]) if rest else 0
        if word in ("normal", "delay", "cut_before_reply", "black_hole"):
            self.reset()
            if self.server is None:
                await self.listen(self.port)
        if word == "delay":
            self.delay_ms = number
        elif word == "cut_before_reply":
            self.cut_after = number
            for link in self.links:
                link.sent = 0
        elif word == "black_hole":
            self.open.clear()
        elif word == "cut":
            self.cut()
        elif word == "refuse":
            await self.refuse()
        elif word == "connections":
            return str(self.connections)
        elif word != "normal":
            return f"what is '{line}'?"
        return "ok"


async def serve(target: str, port: int) -> None:
    forwarder = Forwarder(target)
    await forwarder.listen(port)
    print(forwarder.port, flush=True)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while line := await commands.readline():
        print(await forwarder.command(line.decode().strip()), flush=True)


class Proxy:
    """The process, from a test; ends with the test."""

    def __init__(self, target: str, address: str = "127.0.0.1:0"):
        """address: its own; a free port when none is given."""
        port = address.rsplit(":", 1)[1]
        self.process = subprocess.Popen(
            [sys.executable, __file__, target, port], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        first = self.process.stdout.readline().strip() if self.process.stdout else ""
        if not first:
            raise RuntimeError(f"the proxy to {target} does not start")
        self.port = int(first)
        self.address = f"127.0.0.1:{self.port}"

    def ask(self, line: str) -> str:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def tell(self, line: str) -> None:
        answer = self.ask(line)
        if answer != "ok":
            raise RuntimeError(f"proxy, {line}: {answer or 'it has ended'}")

    def delay(self, milliseconds: int) -> None:
        self.tell(f"delay {milliseconds}")

    def cut(self) -> None:
        self.tell("cut")

    def cut_before_reply(self, size: int) -> None:
        self.tell(f"cut_before_reply {size}")

    def black_hole(self) -> None:
        self.tell("black_hole")

    def refuse(self) -> None:
        self.tell("refuse")

    def normal(self) -> None:
        self.tell("normal")

    @property
    def connections(self) -> int:
        return int(self.ask("connections"))

    def close(self) -> None:
        if self.process.stdin:
            self.process.stdin.close()
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} HOST:PORT [PORT OF ITS OWN]")
    try:
        asyncio.run(serve(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
    except KeyboardInterrupt:
        pass
