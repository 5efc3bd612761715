"""A web server. Prints "port N" once it listens, then each request: "METHOD PATH".

web.py FOLDER [CERTIFICATE KEY]   speaks TLS with a certificate

    GET /NAME        the file FOLDER/NAME
    POST             204
    /portal          what a network's sign-in page answers to everything
    /to/STATUS/URL   a redirect to URL, which is percent-encoded
    /to/STATUS       a redirect to nowhere
"""

import http.server
import pathlib
import ssl
import sys
import threading
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        print(self.command, self.path.partition("?")[0], flush=True)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        words = self.path.partition("?")[0].split("/")
        if words[1] == "portal":
            page = b"<!DOCTYPE html><html><head><title>Welcome to\nHotel Wi-Fi</title></head><body>Sign in!</body></html>"
            self.answer(200, page, Content_Type="text/html")
        elif words[1] == "to":
            place = {"Location": urllib.parse.unquote(words[3])} if len(words) > 3 else {}
            self.answer(int(words[2]), b"<html>elsewhere</html>", **place)
        elif self.command == "POST":
            self.answer(204)
        else:
            self.answer(200, (pathlib.Path(sys.argv[1]) / words[-1]).read_bytes())

    do_GET = do_POST = handle_any

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if sys.argv[2:]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    # The handshake belongs to each connection's own thread.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print("port", server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
