"""Looks at a page in headless Chromium, over the DevTools protocol.

page.py URL COMMAND...: opens the page and obeys, printing one line for each command:
  wait EXPRESSION       until the expression is true in the page; prints "ok"
  eval EXPRESSION       prints its value as JSON
  shot PATH WIDTHxHEIGHT [dark|light]   saves a picture
  go URL                opens another page
  messages              prints what the browser's console and its content security policy have said, as JSON
"""

import base64
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time

from websockets.sync.client import connect


class Browser:
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="fluxgraph-chromium-")
        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--disable-extensions", "--mute-audio",
             "--hide-scrollbars", "--remote-debugging-port=0", f"--user-data-dir={self.profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if line.startswith("DevTools listening on "):
                break
        else:
            raise SystemExit("chromium did not start")
        self.stack = contextlib.ExitStack()
        self.socket = self.stack.enter_context(connect(line.split()[-1], max_size=None, proxy=None))
        self.number, self.session, self.messages = 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log"]:
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.recv(timeout=60))
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            if answer.get("method") == "Log.entryAdded":
                self.messages.append(answer["params"]["entry"]["text"])
            elif answer.get("method") == "Runtime.exceptionThrown":
                self.messages.append(json.dumps(answer["params"]["exceptionDetails"]))

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            return None
        return result["result"].get("value")

    def wait(self, expression):
        end = time.monotonic() + 40
        while not self.value(expression):
            if time.monotonic() > end:
                page = self.value("document.documentElement.outerHTML.replace(/<(style|script)>[^]*?<.(style|script)>/g, '')")
                raise SystemExit(f"never true: {expression}\n{page}\n{self.messages}")
            time.sleep(0.1)
        return "ok"

    def shot(self, path, size, scheme="light"):
        width, height = map(int, size.split("x"))
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        time.sleep(0.3)
        picture = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture))
        return "ok"

    def close(self):
        self.stack.close()
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


browser = Browser()
try:
    browser.call("Page.navigate", url=sys.argv[1])
    for line in sys.argv[2:]:
        command, _, rest = line.partition(" ")
        if command == "wait":
            answer = browser.wait(rest)
        elif command == "eval":
            answer = json.dumps(browser.value(rest))
        elif command == "shot":
            answer = browser.shot(*rest.split(" "))
        elif command == "go":
            answer = json.dumps(browser.call("Page.navigate", url=rest).get("errorText"))
        elif command == "messages":
            browser.value("0")
            answer = json.dumps(browser.messages)
        else:
            raise SystemExit(f"unknown command {command}")
        print(answer, flush=True)
finally:
    browser.close()
