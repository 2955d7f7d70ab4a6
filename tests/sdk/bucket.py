"""A bucket that speaks as much S3 as storing files needs, checks every signature, and fails when it is told to.

Path style: `/BUCKET/KEY`. Objects, ranges, uploads in parts, a list. Source: Amazon S3 API reference; "Signature Calculations" for version 4.
"""

import hashlib
import hmac
import itertools
import re
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit

ACCESS_KEY, SECRET_KEY, REGION = "AKIATESTTESTTEST", "a-secret-of-the-bucket/with+signs", "eu-test-1"
AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})")
# All parts but the last. Source: "Amazon S3 multipart upload limits".
MIN_PART = 5 << 20


class Bucket(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), _Handler)
        self.lock = threading.Lock()
        self.objects, self.uploads = {}, {}
        # Whether everything is answered 503, and how often that was.
        self.fails, self.refused = False, 0
        self._numbers = itertools.count(1)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def settings(self):
        """What a gateway is told to store its files here."""
        return {
            "EASYAI_ASSETS_URL": "s3://media/some/folder",
            "EASYAI_ASSETS_ENDPOINT": self.url,
            "EASYAI_ASSETS_REGION": REGION,
            "EASYAI_ASSETS_ACCESS_KEY": ACCESS_KEY,
            "EASYAI_ASSETS_SECRET_KEY": SECRET_KEY,
        }

    def start(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def number(self):
        return f"upload-{next(self._numbers)}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def _all(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        split = urlsplit(self.path)
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        if self.server.fails:
            self.server.refused += 1
            return self._refuse(503, "SlowDown")
        if wrong := self._wrong_signature(split, body):
            return self._refuse(403, "SignatureDoesNotMatch", wrong)
        with self.server.lock:
            return self._answer(unquote(split.path), query, body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _all

    def _answer(self, key, query, body):
        server = self.server
        match self.command:
            case "PUT" if "partNumber" in query:
                parts = server.uploads.get(query["uploadId"])
                if parts is None:
                    return self._refuse(404, "NoSuchUpload")
                parts[int(query["partNumber"])] = body
                return self._say(200, headers={"etag": _etag(body)})
            case "PUT":
                if self.headers.get("if-none-match") == "*" and key in server.objects:
                    return self._refuse(412, "PreconditionFailed")
                server.objects[key] = body
                return self._say(200, headers={"etag": _etag(body)})
            case "POST" if "uploads" in query:
                id = server.number()
                server.uploads[id] = {}
                return self._say(200, f"<InitiateMultipartUploadResult><Bucket>media</Bucket><Key>{key}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>")
            case "POST" if "uploadId" in query:
                parts = [data for _, data in sorted(server.uploads.pop(query["uploadId"], {}).items())]
                if not parts or any(len(part) < MIN_PART for part in parts[:-1]):
                    return self._refuse(400, "EntityTooSmall")
                server.objects[key] = b"".join(parts)
                return self._say(200, f"<CompleteMultipartUploadResult><Key>{key}</Key><ETag>{_etag(server.objects[key])}</ETag></CompleteMultipartUploadResult>")
            case "DELETE" if "uploadId" in query:
                server.uploads.pop(query["uploadId"], None)
                return self._say(204)
            case "DELETE":
                server.objects.pop(key, None)
                return self._say(204)
            case "GET" if "list-type" in query:
                return self._list(key, query)
        return self._read(key)

    def _read(self, key):
        data = self.server.objects.get(key)
        if data is None:
            return self._refuse(404, "NoSuchKey")
        headers = {"etag": _etag(data), "last-modified": formatdate(usegmt=True), "content-type": "binary/octet-stream"}
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("range", ""))
        if not asked:
            return self._say(200, data, headers)
        first, last = asked.groups()
        start = int(first) if first else max(0, len(data) - int(last))
        end = min(int(last), len(data) - 1) if first and last else len(data) - 1
        if start >= len(data):
            return self._refuse(416, "InvalidRange")
        return self._say(206, data[start : end + 1], headers | {"content-range": f"bytes {start}-{end}/{len(data)}"})

    def _list(self, bucket, query):
        prefix = f"{bucket.rstrip('/')}/{query.get('prefix', '')}"
        found = [(key, data) for key, data in sorted(self.server.objects.items()) if key.startswith(prefix)]
        row = "<Contents><Key>{}</Key><Size>{}</Size><LastModified>2026-12-01T00:00:00.000Z</LastModified><ETag>{}</ETag></Contents>"
        rows = "".join(row.format(key.removeprefix(bucket.rstrip("/") + "/"), len(data), _etag(data)) for key, data in found)
        self._say(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>")

    def _wrong_signature(self, split, body):
        """What is wrong with the request's signature, or None."""
        found = AUTHORIZATION.fullmatch(self.headers.get("authorization", ""))
        if not found:
            return "no signature"
        access, day, region, names, signature = found.groups()
        if (access, region) != (ACCESS_KEY, REGION):
            return f"{access} in {region}"
        payload = self.headers.get("x-amz-content-sha256", "")
        if payload not in ("UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()):
            return f"x-amz-content-sha256 is {payload}"
        if "host" not in names.split(";"):
            return "host is not signed"
        query = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parse_qsl(split.query, keep_blank_values=True))
        headers = "".join(f"{name}:{' '.join(self.headers.get(name, '').split())}\n" for name in names.split(";"))
        request = "\n".join([self.command, split.path, "&".join(f"{name}={value}" for name, value in query), headers, names, payload])
        scope = f"{day}/{region}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{self.headers.get('x-amz-date')}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = b"AWS4" + SECRET_KEY.encode()
        for part in (day, region, "s3", "aws4_request", text):
            key = hmac.digest(key, part.encode(), "sha256")
        return None if hmac.compare_digest(key.hex(), signature) else "another signature"

    def _refuse(self, status, code, message=""):
        self._say(status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>")

    def _say(self, status, body=b"", headers=None):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in ({"content-type": "application/xml"} | (headers or {})).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)


def _etag(data):
    return f'"{hashlib.md5(data).hexdigest()}"'
