import Foundation
import Glibc
import Testing

/// Who may ask the servers of the program: `serve`, `--metrics` and `sse`.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python and ffmpeg")) struct AccessTests {
  private func serve(_ arguments: [String]) async throws -> (Program, String) {
    let program = try Program(Fluxgraph.path, ["serve", "--port", "0"] + arguments, Fluxgraph.surroundings())
    let url = try await program.line(containing: "ws://")
    return (program, String(try #require(url.firstMatch(of: /:(\d+)\//)?.output.1)))
  }

  /// A graph that goes on for a minute, with both servers; their ports.
  private func graph(_ options: [String] = [], address: String = "127.0.0.1", isPublic: Bool = false)
    async throws -> (
      Program, metrics: String, sse: String
    )
  {
    let sound = try await Recordings.shared.value.path("minute.wav")
    let program = try Program(
      Fluxgraph.path,
      [
        "run", "--metrics", "\(address):0", "-e",
        "file \(sound) | pace 1x | flux endpoint=local words=none | sse \(address):0\(isPublic ? " public" : "")",
      ] + options, Fluxgraph.surroundings())
    var ports: [String] = []
    for words in ["metrics at ", "live captions at "] {
      let line = try await program.errorLine(containing: words)
      ports.append(String(try #require(line.firstMatch(of: /:(\d+)\//)?.output.1)))
    }
    return (program, ports[0], ports[1])
  }

  private func ask(_ port: String, _ path: String, _ headers: String...) async throws -> String {
    try await Peers.run("access.py", ["ask", port, path] + headers).trimmingCharacters(
      in: .whitespacesAndNewlines)
  }

  @Test("a page of another site starts no program of `serve`, nor one that has its own name lead here")
  func served() async throws {
    let folder = try Folder()
    let program = folder.path("recogniser")
    try folder.write(
      Data("#!/bin/sh\ntouch '\(folder.path("started"))'\ncat > /dev/null\n".utf8), to: "recogniser")
    chmod(program, 0o755)
    let (server, port) = try await serve(["--words", "command:\(program)"])
    func upgrade(_ headers: String...) async throws -> String {
      try await Peers.run("access.py", ["upgrade", port] + headers).trimmingCharacters(
        in: .whitespacesAndNewlines)
    }
    let host = "Host=127.0.0.1:\(port)"
    #expect(try await upgrade(host, "Origin=https://evil.example") == "403")
    #expect(try await upgrade(host, "Origin=null") == "403")
    #expect(try await upgrade(host, "Sec-Fetch-Site=cross-site", "Sec-Fetch-Mode=websocket") == "403")
    #expect(try await upgrade("Host=evil.example") == "421")
    #expect(try await upgrade("Host=evil.example:\(port)", "Origin=http://evil.example:\(port)") == "421")
    #expect(try await upgrade() == "400")
    #expect(!FileManager.default.fileExists(atPath: folder.path("started")))
    // Programs send no origin, or their own; a page of the server's own host is as good.
    #expect(try await upgrade(host) == "101")
    #expect(try await upgrade("Host=localhost:\(port)", "Origin=http://localhost:\(port)") == "101")
    _ = try await server.errorLine(containing: "Pages of other sites may not ask this server.")
    let speech = try await Dialogue.shared.value.path
    _ = try await Fluxgraph.run("file \(speech) | flux endpoint=ws://127.0.0.1:\(port) | stdout")
    #expect(FileManager.default.fileExists(atPath: folder.path("started")))
    server.signal(SIGTERM)
    #expect(try await server.outcome().status == 0)
  }

  @Test("a public server answers to any name, and to pages of that name only")
  func publicServer() async throws {
    let (server, port) = try await serve(["--words", "none", "--address", "0.0.0.0", "--public"])
    func upgrade(_ headers: String...) async throws -> String {
      try await Peers.run("access.py", ["upgrade", port] + headers).trimmingCharacters(
        in: .whitespacesAndNewlines)
    }
    #expect(try await upgrade("Host=flux.example") == "101")
    #expect(try await upgrade("Host=flux.example", "Origin=https://flux.example") == "101")
    #expect(try await upgrade("Host=flux.example", "Origin=https://evil.example") == "403")
    server.signal(SIGTERM)
    _ = try await server.outcome()
    let (program, metrics, _) = try await graph(["--public"], address: "0.0.0.0", isPublic: true)
    #expect(try await ask(metrics, "/healthz", "Host=metrics.example") == "200 ok")
    #expect(
      try await ask(metrics, "/metrics", "Host=metrics.example", "Origin=https://evil.example").hasPrefix(
        "403"))
    program.signal(SIGINT)
    _ = try await program.outcome()
  }

  @Test("metrics and events have the same rule")
  func sameRule() async throws {
    let (program, metrics, sse) = try await graph()
    for (port, path) in [(metrics, "/metrics"), (metrics, "/healthz"), (sse, "/events")] {
      #expect(
        try await ask(port, path, "Host=evil.example").hasPrefix("421 This server answers to localhost"),
        "\(path)")
      #expect(
        try await ask(port, path, "Host=localhost:\(port)", "Origin=http://evil.example")
          == "403 Pages of other sites may not ask this server.", "\(path)")
      #expect(try await ask(port, path, "Host=localhost:\(port)").hasPrefix("200"), "\(path)")
    }
    // Probes that speak HTTP as it was before the header.
    #expect(try await ask(metrics, "/healthz") == "200 ok")
    program.signal(SIGINT)
    _ = try await program.outcome()
  }

  @Test("hundreds of connections that say nothing or half a request lock nobody out")
  func crowd() async throws {
    func expectAnswers(_ port: String, _ path: String, _ status: String) async throws {
      let lines = try await Peers.run("access.py", ["crowd", port, path, "400"]).split(separator: "\n")
      for line in lines {
        let words = line.split(separator: " ")
        // A place is held for 10 or 30 s.
        #expect(
          words.first.map(String.init) == status && (words.last.flatMap { Double($0) } ?? 60) < 8, "\(line)")
      }
      #expect(lines.count == 2)
    }
    let (program, metrics, sse) = try await graph()
    try await expectAnswers(metrics, "/healthz", "200")
    try await expectAnswers(sse, "/", "200")
    program.signal(SIGINT)
    #expect(try await program.outcome().status == 0)
    let (server, port) = try await serve(["--words", "none"])
    try await expectAnswers(port, "/", "404")
    server.signal(SIGTERM)
    #expect(try await server.outcome().status == 0)
  }
}
