"""http.server with a few paths. Prints "port N" once it listens.

http_server.py [CERTIFICATE KEY]
"""
import os, ssl, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        if self.path == "/hello":
            self.answer(200, b"hello", [("X-Peer", "http.server")])
        elif self.path == "/redirect":
            self.answer(302, b"elsewhere", [("Location", "/hello")])
        elif self.path == "/loop":
            self.answer(302, b"", [("Location", "/loop")])
        elif self.path == "/file":
            self.answer(302, b"", [("Location", "file:///etc/hostname")])
        elif self.path == "/slow":
            time.sleep(5)
            self.answer(200)
        elif self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"only this")
            self.close_connection = True
        elif self.path == "/headless":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Len")
            self.close_connection = True
        elif self.path in ["/stall", "/endless"]:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"so far")
            self.close_connection = True
            for _ in range(200):
                time.sleep(0.1)
                if self.path == "/endless":
                    self.wfile.write(b".")
        elif self.path.startswith("/bytes/"):
            self.answer(200, bytes(range(256)) * (int(self.path[7:]) // 256))
        elif self.path.startswith("/chunked/"):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            block = bytes(range(256)) * 16
            for _ in range(int(self.path[9:]) // len(block)):
                self.wfile.write(b"1000\r\n" + block + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        elif self.path == "/headers":
            self.answer(200, "".join(f"{k}: {v}\n" for k, v in self.headers.items()).encode())
        else:
            self.answer(404, b"no such page")

    do_HEAD = do_GET

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/see-other":
            self.answer(303, b"", [("Location", "/hello")])
            return
        kind = self.headers.get("Content-Type", "none")
        self.answer(200, f"{self.command} {kind} ".encode() + body)

    do_PUT = do_DELETE = do_PATCH = do_POST

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", 0), Handler)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("port", server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
