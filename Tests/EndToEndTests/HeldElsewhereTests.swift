import Foundation
import Testing

/// What another of our own commands holds for a moment is waited for; what it keeps is told after two seconds, with who it is.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python"))
struct HeldElsewhereTests {
  /// A graph that uses a spool and is over at once.
  private static let graph =
    "crm = file call.wav | flux endpoint=local words=none | command [\"true\"] each spool=spool"

  /// Expects one error line with the holder's name, and no sooner than it was waited for.
  private func expectRefusal(
    _ outcome: Program.Outcome, after began: ContinuousClock.Instant, _ status: Int32, saying text: String
  ) {
    outcome.expectFailure(status, saying: text)
    #expect(began.duration(to: .now) >= .seconds(2))
  }

  @Test("a spool that is held 5 ms in every 10 keeps neither a graph nor a command from it")
  func spoolHeldForMoments() async throws {
    let folder = try LocalFluxTests.folder()
    try folder.write("", to: "spool/crm.lock")
    try folder.write("", to: "spool/crm.spool")
    let holder = try Peers.start("hold.py", [folder.path("spool/crm.lock"), "5", "10"])
    _ = try await holder.line(containing: "held")
    for _ in 0..<4 {
      let run = try await Fluxgraph.run(Self.graph, directory: folder.path)
      #expect(run.status == 0, "\(run.errors)")
      for action in ["ls", "redeliver", "drop"] {
        let command = try await Fluxgraph.command(["spool", action, "spool"], directory: folder.path)
        #expect(command.status == 0, "\(command.errors)")
      }
    }
    holder.endInput()
    _ = try await holder.outcome()
  }

  @Test(
    "a graph starts while its spool is dropped and redelivered again and again; once it runs, commands name it"
  )
  func spoolBesideCommands() async throws {
    let folder = try LocalFluxTests.folder()
    try folder.write("", to: "spool/crm.spool")
    try await withThrowingTaskGroup(of: (isGraph: Bool, Program.Outcome).self) { group in
      for action in ["redeliver", "drop", "ls", "redeliver", "drop", "ls"] {
        group.addTask {
          (false, try await Fluxgraph.command(["spool", action, "spool"], directory: folder.path))
        }
      }
      group.addTask { (true, try await Fluxgraph.run(Self.graph, directory: folder.path)) }
      for try await (isGraph, outcome) in group {
        // The graph keeps it for as long as it runs, which is longer than anyone waits.
        let isRefused = outcome.errors.hasPrefix(
          "error: the spool spool/crm is in use by fluxgraph (process ")
        #expect(outcome.status == 0 || !isGraph && outcome.status == 74 && isRefused, "\(outcome.errors)")
      }
    }
  }

  @Test("a spool and a manifest that are kept are told as such after two seconds, with who keeps them")
  func keptForGood() async throws {
    let folder = try LocalFluxTests.folder()
    try folder.write("", to: "spool/crm.lock")
    try folder.write("", to: "spool/crm.spool")
    let holders = try ["spool/crm.lock", "m.jsonl"].map { try Peers.start("hold.py", [folder.path($0)]) }
    for holder in holders { _ = try await holder.line(containing: "held") }
    var began = ContinuousClock.now
    expectRefusal(
      try await Fluxgraph.run(Self.graph, directory: folder.path), after: began, 74,
      saying: "the spool spool/crm is in use by python")
    began = .now
    expectRefusal(
      try await Fluxgraph.command(["spool", "drop", "spool"], directory: folder.path), after: began, 74,
      saying: "the spool spool/crm is in use by python")
    began = .now
    let batch = try await Fluxgraph.command(
      ["batch", "--manifest", "m.jsonl", "-e", "param input\nfile $input | null", "call.wav"],
      directory: folder.path)
    expectRefusal(batch, after: began, 74, saying: "another batch is writing m.jsonl: python")
    for holder in holders { holder.endInput() }
  }

  @Test(
    "a run follows another on the same control socket, metrics port and page the moment the first is told to end"
  )
  func handover() async throws {
    let folder = try LocalFluxTests.folder()
    let port = try freePort()
    let page = try freePort()
    let options = ["run", "--control", "ctl", "--metrics", "127.0.0.1:\(port)", "-e"]
    let graph = "tone silence live | flux endpoint=local words=none | sse 127.0.0.1:\(page)"
    var last: Program?
    for _ in 0..<3 {
      let run = try Program(Fluxgraph.path, options + [graph], Fluxgraph.surroundings(directory: folder.path))
      last?.signal(SIGTERM)
      _ = try await run.errorLine(containing: "live captions at")
      let first = try await last?.outcome()
      #expect(first?.status ?? 0 == 0, "\(first?.errors ?? "")")
      let status = try await Fluxgraph.command(["ctl", folder.path("ctl"), "status"])
      #expect(status.status == 0, "\(status.errors)")
      last = run
    }
    let began = ContinuousClock.now
    expectRefusal(
      try await Fluxgraph.command(options + [graph], directory: folder.path), after: began, 69,
      saying: "127.0.0.1:\(port) is in use")
    let second = ContinuousClock.now
    expectRefusal(
      try await Fluxgraph.run(
        "file call.wav | flux endpoint=local words=none | null", ["--control", "ctl"],
        directory: folder.path), after: second, 69, saying: "ctl is in use by fluxgraph")
    last?.signal(SIGTERM)
    _ = try await last?.outcome()
    #expect(!FileManager.default.fileExists(atPath: folder.path("ctl")))
  }

  @Test("a server follows another on its port the moment the first is told to end")
  func servers() async throws {
    let port = try freePort()
    var last: Program?
    for _ in 0..<3 {
      let server = try Program(
        Fluxgraph.path, ["serve", "--port", "\(port)", "--words", "none"], Fluxgraph.surroundings())
      last?.signal(SIGINT)
      #expect(try await server.line(containing: "ws://").contains(":\(port)/"))
      _ = try await last?.outcome()
      last = server
    }
    last?.signal(SIGINT)
    #expect(try await last?.outcome().status == 0)
  }

  @Test("a control path that is a file stays one, and is told as that at once")
  func controlPathIsFile() async throws {
    let folder = try LocalFluxTests.folder()
    try folder.write("mine", to: "ctl")
    let outcome = try await Fluxgraph.run(
      "file call.wav | flux endpoint=local words=none | null", ["--control", "ctl"],
      directory: folder.path)
    outcome.expectFailure(69, saying: "ctl is there already and is no socket")
    #expect(try folder.text(of: "ctl") == "mine")
  }

  /// A port that was free just now, and that no outgoing connection is given.
  private func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    for port in (20_000..<30_000).shuffled() {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(port).bigEndian
      address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
      let bound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      if bound == 0 { return port }
    }
    throw PortsTaken()
  }

  private struct PortsTaken: Error {}
}
