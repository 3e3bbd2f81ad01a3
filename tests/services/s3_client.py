# SPDX-License-Identifier: MIT
"""A small S3 client for tests, standard library only: what Firesteel wrote is read without its code.

    S3().create_bucket("demo")
    S3().put("demo", "a/b", b"..") ; .get("demo", "a/b") ; .keys("demo", "a/") ; .delete("demo", "a/b")

Path style, signature version 4. Addresses and keys are those that tools/services/s3 env prints; without
arguments they come from the environment. By hand, with them exported:

    python3 tests/services/s3_client.py bucket NAME | list NAME [PREFIX] | fetch NAME PREFIX FOLDER
"""
from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import re
import ssl
import sys
import urllib.parse
from datetime import datetime, timezone
from xml.etree import ElementTree


class S3Error(Exception):
    def __init__(self, what: str, status: int):
        super().__init__(what)
        self.status = status


class S3:
    def __init__(self, endpoint: str | None = None, key: str | None = None, secret: str | None = None):
        self.endpoint = endpoint or os.environ["S3_ENDPOINT"]
        self.key = key or os.environ["S3_ACCESS_KEY"]
        self.secret = secret or os.environ["S3_SECRET_KEY"]
        self.region = os.environ.get("S3_REGION", "us-east-1")
        url = urllib.parse.urlsplit(self.endpoint)
        self.host = url.netloc
        if url.scheme == "https":
            context = ssl.create_default_context(cafile=os.environ.get("S3_CA_FILE"))
            self.connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self.host, timeout=30, context=context
            )
        else:
            self.connection = http.client.HTTPConnection(self.host, timeout=30)

    def request(
        self, method: str, path: str, query: dict[str, str] | None = None, body: bytes = b"",
        headers: dict[str, str] | None = None, good: tuple[int, ...] = (200, 204, 206),
    ) -> bytes:  # fmt: skip
        path = "/" + urllib.parse.quote(path, safe="/-_.~")
        pairs = sorted((query or {}).items())
        text = "&".join(f"{urllib.parse.quote(k, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}" for k, v in pairs)
        now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        signed = {"host": self.host, "x-amz-content-sha256": digest, "x-amz-date": now}
        names = ";".join(signed)
        canonical = "".join(f"{name}:{value}\n" for name, value in signed.items())
        canonical = "\n".join([method, path, text, canonical, names, digest])
        scope = f"{now[:8]}/{self.region}/s3/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = ("AWS4" + self.secret).encode()
        for part in (now[:8], self.region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
        signed["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.key}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        target = path + ("?" + text if text else "")
        for attempt in range(2):  # a kept connection may have been closed in the meantime
            try:
                self.connection.request(method, target, body, {**signed, **(headers or {})})
                response = self.connection.getresponse()
                answer = response.read()
                break
            except (http.client.HTTPException, ConnectionError):
                self.connection.close()
                if attempt:
                    raise
        if response.status not in good:
            raise S3Error(f"{method} {target}: {response.status} {answer[:300].decode(errors='replace')}", response.status)
        return answer

    def create_bucket(self, bucket: str) -> None:
        self.request("PUT", bucket, good=(200, 409))

    def put(self, bucket: str, key: str, body: bytes) -> None:
        self.request("PUT", f"{bucket}/{key}", body=body)

    def get(self, bucket: str, key: str) -> bytes:
        return self.request("GET", f"{bucket}/{key}")

    def delete(self, bucket: str, key: str) -> None:
        self.request("DELETE", f"{bucket}/{key}")

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """All of them, however many pages, in order."""
        found: list[str] = []
        token = ""
        while True:
            query = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
            if token:
                query["continuation-token"] = token
            page = ElementTree.fromstring(self.request("GET", bucket, query))
            space = re.match(r"\{.*\}", page.tag)
            ns = space.group() if space else ""
            found += [urllib.parse.unquote_plus(e.text or "") for e in page.iterfind(f"{ns}Contents/{ns}Key")]
            token = page.findtext(f"{ns}NextContinuationToken") or ""
            if not token:
                return found

    def uploads(self, bucket: str) -> list[str]:
        """Keys of multipart uploads that were neither completed nor aborted."""
        page = ElementTree.fromstring(self.request("GET", bucket, {"uploads": ""}))
        return [e.text or "" for e in page.iter() if e.tag.endswith("}Key") or e.tag == "Key"]

    def fetch(self, bucket: str, prefix: str, folder: str) -> int:
        """Copies every object below prefix to folder/<rest of its key>."""
        count = 0
        for key in self.keys(bucket, prefix):
            path = os.path.join(folder, os.path.relpath(key, prefix))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(self.get(bucket, key))
            count += 1
        return count


def main(arguments: list[str]) -> int:
    store = S3()
    if len(arguments) == 2 and arguments[0] == "bucket":
        store.create_bucket(arguments[1])
    elif len(arguments) in (2, 3) and arguments[0] == "list":
        for key in store.keys(*arguments[1:]):
            print(key)
    elif len(arguments) == 4 and arguments[0] == "fetch":
        print(f"{store.fetch(*arguments[1:])} objects")
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except S3Error as problem:
        sys.exit(f"s3_client: {problem}")
