import Foundation
import Glibc
import Testing

/// `sse` as readers see it that nobody here wrote: Chromium, and httpx-sse.
@Suite(
  .timeLimit(.minutes(10)), .serialized, .enabled(if: Peers.areThere, "needs Chromium and Python's httpx-sse")
)
struct CaptionPageTests {
  /// Two speakers, without a sound: `me` says two sentences, one of which wants to be HTML, and `them` goes on and on.
  private static func folder() throws -> Folder {
    func script(_ words: [(String, Double)]) -> String {
      let entries = words.map { word, start in
        let text = String(decoding: try! JSONEncoder().encode(word), as: UTF8.self)
        return "{\"word\":\(text),\"start\":\(start),\"end\":\(start + 0.3)}"
      }
      return "[\(entries.joined(separator: ","))]"
    }
    let folder = try Folder()
    let hostile = ["<img/src=x", "onerror=alert(1)>", "</script><b>bold</b>", "&amp;", "שלום"]
    try folder.write(
      script(
        [("Good", 0.3), ("morning,", 0.7), ("everybody.", 1.1)]
          + hostile.enumerated().map { ($1, 3.5 + 0.35 * Double($0)) }), to: "me.json")
    try folder.write(
      script([("Well,", 0.5), ("yes.", 0.9)] + (0..<400).map { ("word\($0)", 3 + 0.35 * Double($0)) }),
      to: "them.json")
    return folder
  }

  private static let graph = """
    param port = 0

    me = tone silence live | flux endpoint=local words="script:me.json" as=me
    them = tone silence live | flux endpoint=local words="script:them.json" as=them
    me, them | sse 127.0.0.1:$port
    """

  private func start(_ folder: Folder, port: Int = 0) async throws -> (program: Program, url: String) {
    let text = Self.graph.replacing("param port = 0\n\n", with: "").replacing("$port", with: String(port))
    let program = try Fluxgraph.start(text, directory: folder.path)
    let line = try await program.errorLine(containing: "http://")
    let url = try #require(line.split(separator: " ").first { $0.hasPrefix("http://") })
    return (program, String(url))
  }

  /// Where pictures of the page stay to be looked at.
  private static let pictures: String = {
    let path = Peers.packageRoot.appending(path: ".build/pictures").path
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }()

  private static let captions = """
    JSON.stringify([...document.querySelectorAll('.turn:not(.interim)')].map(
      (turn) => turn.querySelector('.who').textContent + ': ' + turn.querySelector('p').textContent).sort())
    """

  @Test(
    "Chromium shows captions by speaker, drafts dimmed, and comes back by itself after the server was gone")
  func page() async throws {
    let folder = try Self.folder()
    let (program, url) = try await start(folder)
    let port = try #require(URL(string: url)?.port)
    let final = "document.querySelectorAll('.turn:not(.interim)').length"
    let browser = try Peers.start(
      "page.py",
      [
        url, "wait document.getElementById('state').className === 'live'", "wait \(final) === 3",
        "wait document.querySelector('.interim p')?.textContent.length > 150", "eval \(Self.captions)",
        "eval getComputedStyle(document.querySelector('.interim p')).color",
        "eval getComputedStyle(document.querySelector('.turn:not(.interim) p')).color",
        "eval document.querySelector('#log img, #log b, #log script') === null",
        "shot \(Self.pictures)/projector.png 1280x720 dark", "shot \(Self.pictures)/desk.png 1280x720 light",
        "shot \(Self.pictures)/phone.png 390x844 light",
        "eval document.documentElement.scrollWidth <= innerWidth",
        "messages", "eval 'kill now'", "wait document.getElementById('state').className === 'lost'",
        "shot \(Self.pictures)/lost.png 390x844 dark", "eval 'start again'",
        "wait document.getElementById('state').className === 'live'", "wait \(final) >= 4",
        "eval 'stop'", "wait document.getElementById('state').className === 'ended'", "eval 'over'",
      ])
    _ = try await browser.line(containing: "kill now")
    program.signal(SIGKILL)
    _ = try await program.outcome()
    _ = try await browser.line(containing: "start again")
    let (again, _) = try await start(folder, port: port)
    _ = try await browser.line(containing: "stop")
    again.signal(SIGINT)
    #expect(try await again.outcome().status == 0)
    _ = try await browser.line(containing: "over")
    let lines = try await browser.outcome().output.split(separator: "\n").map(String.init)
    let answers = lines.filter { $0 != "ok" }
    let shown = try JSONDecoder().decode(
      [String].self, from: Data(JSONDecoder().decode(String.self, from: Data(answers[0].utf8)).utf8))
    #expect(
      shown == [
        "me: <img/src=x onerror=alert(1)> </script><b>bold</b> &amp; שלום", "me: Good morning, everybody.",
        "them: Well, yes.",
      ])
    #expect(answers[1] != answers[2], "drafts look like what is settled: \(answers[1])")
    #expect(answers[3] == "true", "a transcript became part of the document")
    #expect(answers[4] == "true", "the page is wider than a phone")
    #expect(answers[5] == "[]", "the browser complains")
  }

  private struct Received: Decodable, Equatable {
    struct Data: Decodable, Equatable {
      var v: Int
      var event: String
      var stream: String?
      var transcript: String?
    }
    var id: String
    var event: String
    var data: Data
  }

  private func received(_ program: Program) async throws -> [Received] {
    let outcome = try await program.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
    return try outcome.output.split(separator: "\n").dropFirst().map {
      try JSONDecoder().decode(Received.self, from: Foundation.Data($0.utf8))
    }
  }

  /// Starts nginx as Debian has it, in front of a server.
  private func nginx(before url: String, _ options: String, in folder: Folder) async throws -> (
    Program, String
  ) {
    // A port that was free a moment ago.
    let port = try await Peers.run("free_port.py", []).trimmingCharacters(in: .whitespacesAndNewlines)
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map {
      "\($0)_temp_path \(folder.path)/\($0);"
    }
    try folder.write(
      """
      daemon off; pid \(folder.path)/pid; events {}
      http {
        access_log off; \(paths.joined(separator: " ")) \(options)
        server { listen 127.0.0.1:\(port); location / { proxy_pass \(url); } }
      }
      """, to: "nginx.conf")
    let program = try Program(
      "/usr/sbin/nginx", ["-p", folder.path, "-c", folder.path("nginx.conf"), "-e", "stderr"],
      Program.Surroundings(limit: 120))
    return (program, "http://127.0.0.1:\(port)/")
  }

  @Test(
    "events come through nginx as they happen, compressed or not",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/sbin/nginx"), "needs nginx"),
    arguments: ["", "gzip on; gzip_types *; gzip_proxied any;"])
  func reverseProxy(options: String) async throws {
    let folder = try Self.folder()
    let (program, url) = try await start(folder)
    let (proxy, address) = try await nginx(before: url, options, in: folder)
    let direct = try Peers.start("sse.py", [url + "events"])
    _ = try await direct.line(containing: #""status": 200"#)
    let behind = try Peers.start("sse.py", [address + "events"])
    for word in ["everybody.", "word9", "word17"] {
      // The place of an event in the stream, which both are given.
      let id = try #require(try await direct.line(containing: word).firstMatch(of: /"id": "[^"]+"/)?.output)
      let begun = ContinuousClock.now
      _ = try await behind.line(containing: String(id))
      #expect(ContinuousClock.now - begun < .seconds(5))
    }
    program.signal(SIGINT)
    _ = try await program.outcome()
    _ = try await behind.outcome()
    proxy.signal(SIGTERM)
    _ = try await proxy.outcome()
  }

  @Test("httpx-sse reads every event to the last, and goes on behind the one it names")
  func events() async throws {
    let folder = try Self.folder()
    let (program, url) = try await start(folder)
    let first = try await received(Peers.start("sse.py", [url + "events", "5"]))
    try #require(first.count == 5)
    // What comes before a client is kept for it, so both see the same.
    let whole = try Peers.start("sse.py", [url + "events"])
    let rest = try Peers.start("sse.py", [url + "events", "0", first[4].id])
    let other = try Peers.start("sse.py", [url + "events", "3", "another-run-3"])
    #expect(try await received(other).map(\.id) == first.prefix(3).map(\.id))
    _ = try await whole.line(containing: "EndOfTurn")
    // It may take longer to start than the other to hear a turn.
    _ = try await rest.line(containing: "status")
    program.signal(SIGINT)
    let outcome = try await program.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
    let all = try await received(whole)
    #expect(Array(all.prefix(5)) == first)
    #expect(try await received(rest) == Array(all.dropFirst(5)))
    #expect(Set(all.map(\.id)).count == all.count)
    #expect(all.allSatisfy { $0.event == $0.data.event && $0.data.v == 1 })
    // The open turn's end is told before the connection closes.
    let started = all.filter { $0.event == "StartOfTurn" }.count
    #expect(started >= 2 && all.filter { $0.event == "EndOfTurn" }.count == started)
  }

  @Test("two `sse` at one address, and one for everybody by accident, are told with the remedy")
  func mistakes() async throws {
    let folder = try Self.folder()
    let (program, url) = try await start(folder)
    let port = try #require(URL(string: url)?.port)
    let taken = try await Fluxgraph.run(
      "tone silence duration=100ms | flux endpoint=local words=none | sse 127.0.0.1:\(port)")
    taken.expectFailure(69, saying: "127.0.0.1:\(port) is in use", "Choose another port")
    program.signal(SIGINT)
    #expect(try await program.outcome().status == 0)
    let open = try await Fluxgraph.command(["check", "-e", "mic | flux | sse 0.0.0.0:8090"])
    #expect(open.status == 78 && open.errors.contains("add `public`"), "\(open.errors)")
  }
}
