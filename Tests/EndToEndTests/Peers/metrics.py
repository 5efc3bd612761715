"""Reads /metrics with Prometheus' own parser until audio has flowed, and asks the other paths; prints what it found."""
import json
import sys
import time
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

url = sys.argv[1]
root = url.rsplit("/", 1)[0]


def status(path, method="GET"):
    try:
        with urllib.request.urlopen(urllib.request.Request(root + path, method=method)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


deadline = time.monotonic() + 60
while True:
    found = {}
    with urllib.request.urlopen(url) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        for family in text_string_to_metric_families(answer.read().decode()):
            assert family.documentation and family.type in ("counter", "gauge", "histogram"), family
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0) + sample.value
    found["readyz"] = status("/readyz")
    if found.get("fluxgraph_chunks_total", 0) > 0 and found["readyz"] == 200 or time.monotonic() > deadline:
        break
    time.sleep(0.1)
found["healthz"] = status("/healthz")
found["other"] = status("/other")
found["post"] = status("/metrics", "POST")
print(json.dumps(found))
