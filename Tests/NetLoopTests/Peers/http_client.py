"""Asks an HTTP server of ours with Python's http.client and with bare sockets.

http_client.py keep PORT           several requests on one connection; prints what came back, as JSON
http_client.py raw PORT [SECONDS]  sends what is on standard input as hex and prints the whole answer as JSON
http_client.py crowd PORT N         holds N connections that say nothing, N with half a request, N whose answers nobody reads,
                                   and prints, as JSON, how long a request takes beside them, three times
http_client.py stream PORT         reads an answer without end, slowly, and prints "SIZE" of what came before the end
"""
import http.client, json, socket, sys, time

mode, port = sys.argv[1], int(sys.argv[2])

if mode == "keep":
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    answers = []
    local = None
    for method, path, body in [("GET", "/a?b", None), ("HEAD", "/long", None), ("GET", "/long", None),
                               ("POST", "/body", "x" * 1000), ("GET", "/late", None)]:
        client.request(method, path, body=body)
        if local is None:
            local = client.sock.getsockname()
        reused = client.sock is not None and client.sock.getsockname() == local
        response = client.getresponse()
        answers.append([response.status, response.read().decode()[:20], response.getheader("Content-Length"),
                        response.getheader("Connection"), reused])
    print(json.dumps(answers))
elif mode == "raw":
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(bytes.fromhex(sys.argv[3]))
        client.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while piece := client.recv(65536):
                answer += piece
        except ConnectionError:
            pass
        print(json.dumps(answer.decode("latin-1")))
elif mode == "crowd":
    import resource
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    crowd, times = [], []
    for say in [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100]:
        for _ in range(int(sys.argv[3])):
            one = socket.create_connection(("127.0.0.1", port), timeout=20)
            try:
                one.sendall(say)
            except ConnectionError:
                pass
            crowd.append(one)
        begun = time.monotonic()
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        client.request("GET", "/healthz")
        response = client.getresponse()
        assert (response.status, response.read()) == (200, b"GET /healthz"), response.status
        times.append(time.monotonic() - begun)
        client.close()
    print(json.dumps(times))
else:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        size = 0
        while piece := client.recv(65536):
            size += len(piece)
            time.sleep(0.001)
        print(size)
