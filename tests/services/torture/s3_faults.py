# SPDX-License-Identifier: MIT
"""An HTTP proxy before an S3 server that lets a share of the calls fail as S3 does.

    with FaultProxy("http://127.0.0.1:8333", share=0.2, seed=1) as proxy:
        proxy.endpoint                  # what the client is given
        proxy.calls, proxy.faults       # how many, and how often each fault
        proxy.share = 0                 # from now on without faults

500, 503 (SlowDown), an error body under status 200 (lists and completed uploads: where S3 does that),
and the reply lost after the server has done the work: the connection ends without a byte. Requests go
on unchanged, Host and signature too.
"""
from __future__ import annotations

import http.client
import http.server
import random
import socket
import threading
import urllib.parse
from collections import Counter

ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>made by a test</Message></Error>'
HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultProxy

    def fault(self) -> str:
        with self.proxy.lock:
            self.proxy.calls += 1
            if self.proxy.chance.random() >= self.proxy.share:
                return ""
            kinds = ["500", "503", "lost"]
            query = urllib.parse.urlsplit(self.path).query
            if "list-type" in query or (self.command == "POST" and "uploadId" in query):
                kinds.append("200")
            kind = self.proxy.chance.choice(kinds)
            self.proxy.faults[kind] += 1
            return kind

    def answer(self, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def forward(self, body: bytes) -> tuple[int, bytes, list[tuple[str, str]]]:
        connection = http.client.HTTPConnection(self.proxy.target, timeout=30)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("connection", "expect"):
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            reply = connection.getresponse()
            data = reply.read()
            headers = [(k, v) for k, v in reply.getheaders() if k.lower() not in HOP]
            if self.command == "HEAD" and reply.getheader("Content-Length"):
                headers.append(("Content-Length", reply.getheader("Content-Length", "0")))
            return reply.status, data, headers
        finally:
            connection.close()

    def handle_call(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.fault()
        if kind in ("500", "503", "200"):
            code = "SlowDown" if kind == "503" else "InternalError"
            self.answer(int(kind), ERROR.format(code).encode(), [("Content-Type", "application/xml")])
            return
        try:
            answer = self.forward(body)
        except OSError:
            kind = "lost"
        if kind == "lost":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.answer(*answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_call

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class FaultProxy:
    def __init__(self, target: str, share: float, seed: int):
        self.target = urllib.parse.urlsplit(target).netloc
        self.share, self.chance, self.lock = share, random.Random(seed), threading.Lock()
        self.calls, self.faults = 0, Counter()
        handler = type("BoundHandler", (Handler,), {"proxy": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda request, address: None  # type: ignore[method-assign]
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
