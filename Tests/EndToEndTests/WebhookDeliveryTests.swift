import Foundation
import Testing

/// A webhook whose sender is killed and whose receiver does what real ones do.
@Suite(
  .timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python's flask, standardwebhooks and ffmpeg"))
struct WebhookDeliveryTests {
  /// What an event is known by, whatever it is sent in.
  private struct Event: Decodable {
    struct Service: Decodable {
      enum CodingKeys: String, CodingKey {
        case number = "sequence_id"
      }
      var number: Int
    }
    var session: String
    var event: String
    var flux: Service?

    var key: String { "\(session)/\(event)/\(flux?.number ?? -1)" }
  }

  private struct Delivery: Decodable {
    var event: Event
  }

  /// The events a spool's log holds, done or not: records of length, checksum, letter, number and JSON.
  private func accepted(_ log: Data) throws -> Set<String> {
    var events: Set<String> = []
    var position = 0
    while position + 8 <= log.count {
      let length = (0..<4).reduce(0) { $0 | Int(log[log.startIndex + position + $1]) << (8 * $1) }
      let content = log.dropFirst(position + 8).prefix(length)
      guard content.count == length else { break }
      if content.first == UInt8(ascii: "A") {
        events.insert(try JSONDecoder().decode(Delivery.self, from: content.dropFirst(9)).event.key)
      }
      position += 8 + length
    }
    return events
  }

  private let secret = "whsec_" + Data((0..<32).map { UInt8($0) }).base64EncodedString()

  @Test(
    "what is lost ends with 69, unless losses do not matter; what somebody takes from the port `dead` is not lost"
  )
  func losses() async throws {
    let folder = try Folder()
    let graph =
      "w = tone silence duration=1s | pace 100x | flux endpoint=local words=none | webhook http://127.0.0.1:9/ retry=none"
    let strict = try await Fluxgraph.run(graph, directory: folder.path)
    #expect(strict.status == 69 && strict.errors.contains(" lost)"), "\(strict.errors)")
    let lossy = try await Fluxgraph.run(graph, ["--lossy"], directory: folder.path)
    #expect(lossy.status == 0 && lossy.errors.contains(" lost)"), "\(lossy.errors)")
    let kept = try await Fluxgraph.run(graph + "\nw.dead | jsonl dead.jsonl", directory: folder.path)
    #expect(kept.status == 0 && kept.errors.contains(", 0 lost)"), "\(kept.errors)")
    #expect(try !folder.text(of: "dead.jsonl").isEmpty)
  }

  @Test(
    "every event that was accepted arrives, though the sender is killed again and again and the receiver fails",
    arguments: [(7, ""), (11, "batch=[3, 100ms]"), (23, "batch=2 concurrency=1")])
  func killed(seed: Int, option: String) async throws {
    let sound = try await Recordings.shared.value.path("short.wav")
    let flux = try await FakeFlux.shared.value
    let folder = try Folder()
    let hook = try Peers.start("receiver.py", ["\(seed)", secret])
    let port = try await hook.line(containing: "port").dropFirst(5)
    func graph() -> String {
      """
      crm = file \(sound) | flux endpoint=\(flux.call("normal").url) \
      | webhook http://127.0.0.1:\(port)/turns secret=env(HOOK_SECRET) spool=spool order=1s timeout=1s \(option) \
      retry=[50ms, 100ms, 200ms, 200ms, 500ms, 500ms, 1s, 1s, 5s, 5s, 5s]
      """
    }
    let log = URL(filePath: folder.path + "/spool/crm.spool")
    var expected: Set<String> = []
    for kill in 0..<5 {
      let sender = try Program(
        Fluxgraph.path, ["run", "-e", graph()],
        Fluxgraph.surroundings(["HOOK_SECRET": secret], directory: folder.path))
      // Whenever it comes, the kill may lose nothing.
      try await Task.sleep(for: .milliseconds(400 + (seed * 389 + kill * 631) % 1700))
      sender.signal(SIGKILL)
      _ = try await sender.outcome()
      if let bytes = try? Data(contentsOf: log) { expected.formUnion(try accepted(bytes)) }
    }
    hook.signal(SIGUSR1)
    // A run does not wait for another try of an event that has just failed: the one after it delivers it.
    var listing: Program.Outcome
    var runs = 0
    repeat {
      let last = try await Fluxgraph.run(
        graph(), environment: ["HOOK_SECRET": secret], directory: folder.path)
      #expect(last.status == 0, "\(last.errors)")
      listing = try await Fluxgraph.command(["spool", "ls", "spool"], directory: folder.path)
      runs += 1
    } while !listing.output.hasPrefix("crm  0 waiting") && runs < 5
    #expect(
      listing.output.hasPrefix("crm  0 waiting") && listing.output.hasSuffix(" 0 dead\n"), "\(listing.output)"
    )
    hook.signal(SIGKILL)
    let lines = try await hook.outcome().output.split(separator: "\n").dropFirst()
    #expect(!lines.contains("forged"))
    var taken: Set<String> = []
    var bodies: [Substring: Set<Substring>] = [:]
    for line in lines where line != "forged" {
      let parts = line.split(separator: " ", maxSplits: 2)
      try #require(parts.count == 3)
      bodies[parts[0], default: []].insert(parts[2])
      guard parts[1] == "204" else { continue }
      let body = Data(parts[2].utf8)
      let events =
        option.isEmpty
        ? [try JSONDecoder().decode(Event.self, from: body)]
        : try JSONDecoder().decode([Event].self, from: body)
      taken.formUnion(events.map(\.key))
    }
    #expect(expected.count >= 6, "\(expected.count)")
    #expect(expected.subtracting(taken).isEmpty)
    // Whoever has seen an identifier has seen all that is ever sent with it.
    #expect(bodies.values.allSatisfy { $0.count == 1 })
  }

  @Test(
    "HTTP/2 is spoken where it is offered, and every signature is right; an authority nobody trusts is refused"
  )
  func http2() async throws {
    let sound = try await Recordings.shared.value.path("short.wav")
    let flux = try await FakeFlux.shared.value
    let certificate = flux.certificates.authority.replacing("ca.pem", with: "good.pem")
    let hook = try Peers.start(
      "http2.py", [certificate, certificate.replacing(".pem", with: "-key.pem"), secret])
    let port = try await hook.line(containing: "port").dropFirst(5)
    func run(_ environment: [String: String], _ options: String) async throws -> Program.Outcome {
      try await Fluxgraph.run(
        """
        file \(sound) | flux endpoint=\(flux.call("normal").url) \
        | webhook https://localhost:\(port)/turns secret=env(HOOK_SECRET) \(options)
        """, environment: environment.merging(["HOOK_SECRET": secret]) { $1 })
    }
    let trusting = try await run(["CURL_CA_BUNDLE": flux.certificates.authority], "")
    #expect(trusting.status == 0, "\(trusting.errors)")
    let wary = try await run([:], "retry=none")
    #expect(wary.status == 69, "\(wary.errors)")
    #expect(wary.errors.contains("certificate") || wary.errors.contains("authority"), "\(wary.errors)")
    hook.signal(SIGKILL)
    let lines = try await hook.outcome().output.split(separator: "\n").dropFirst()
    #expect(lines.count >= 3)
    #expect(lines.allSatisfy { $0.hasPrefix("HTTP/2 verified msg_") }, "\(lines)")
  }

  @Test(
    "a receiver that never answers costs the end seconds, not a time-out for every event; what is lost is counted"
  )
  func hangingReceiver() async throws {
    let sound = try await Recordings.shared.value.path("minute.wav")
    let flux = try await FakeFlux.shared.value
    let folder = try Folder()
    // Takes connections and says nothing.
    let hook = try Peers.start("hang.py")
    let port = try await hook.line(containing: "port").dropFirst(5)
    for option in ["", "spool=spool"] {
      let sender = try Program(
        Fluxgraph.path,
        [
          "run", "-e",
          """
          crm = file \(sound) | flux as=me endpoint=\(flux.call("normal").url) \
          | webhook http://127.0.0.1:\(port)/turns \(option)
          crm.dead | jsonl dead.jsonl
          """,
        ], Fluxgraph.surroundings(directory: folder.path, limit: 60))
      _ = try await hook.line(containing: "connection")
      try await Task.sleep(for: .seconds(1))
      let began = Date()
      sender.signal(SIGINT)
      let outcome = try await sender.outcome()
      // Ten seconds for the answer under way, and as many for the session's end on a busy machine.
      #expect(!outcome.wasLate && Date().timeIntervalSince(began) < 25)
      // Without a spool they leave by the port `dead`, where they are kept.
      #expect(outcome.status == 0, "\(outcome.errors)")
      if option.isEmpty {
        let count = try folder.text(of: "dead.jsonl").split(separator: "\n").count
        #expect(count >= 3)
        #expect(
          outcome.errors.contains("\(count) events were given up, and left by the port `dead`"),
          "\(outcome.errors)")
      } else {
        #expect(outcome.errors.contains("stay in the spool"), "\(outcome.errors)")
      }
    }
    let listing = try await Fluxgraph.command(["spool", "ls", "spool"], directory: folder.path)
    #expect(listing.output.hasPrefix("crm  ") && !listing.output.hasPrefix("crm  0"))
    hook.signal(SIGKILL)
  }

  @Test("a slow receiver behind full=block holds a file back, and gets every event in order")
  func slowReceiver() async throws {
    let sound = try await Recordings.shared.value.path("minute.wav")
    let flux = try await FakeFlux.shared.value
    let hook = try Peers.start("webhook.py", ["200", "0.002"])
    let port = try await hook.line(containing: "port").dropFirst(5)
    let outcome = try await Fluxgraph.run(
      """
      heard = file \(sound) | pace 1000x | flux endpoint=\(flux.call("normal").url)
      heard | queue size=20 full=block | webhook http://127.0.0.1:\(port)/
      heard | stdout json
      """)
    #expect(outcome.status == 0, "\(outcome.errors)")
    hook.signal(SIGKILL)
    let posted = try await hook.outcome().output.split(separator: "\n").dropFirst()
    #expect(posted.count > 500 && Array(posted) == outcome.output.split(separator: "\n"))
  }

  @Test(
    "dead letters are listed, valid by the schema, delivered again and dropped; a spool in use is told as such"
  )
  func spoolCommands() async throws {
    let sound = try await Recordings.shared.value.path("short.wav")
    let flux = try await FakeFlux.shared.value
    let folder = try Folder()
    func graph(_ url: String) -> String {
      """
      heard = file \(sound) | flux endpoint=\(flux.call("normal").url)
      crm = heard | webhook \(url) spool=spool retry=none
      crm.dead | jsonl dead.jsonl
      crm.notices | jsonl notices.jsonl
      heard | jsonl all.jsonl
      """
    }
    let refusing = try Peers.start("webhook.py", ["500"])
    let port = try await refusing.line(containing: "port").dropFirst(5)
    let first = try await Fluxgraph.run(graph("http://127.0.0.1:\(port)/"), directory: folder.path)
    #expect(first.status == 0, "\(first.errors)")
    let count = try folder.text(of: "all.jsonl").split(separator: "\n").count
    #expect(count >= 3)
    #expect(
      try await Fluxgraph.command(["spool", "ls", "spool"], directory: folder.path).output
        .hasSuffix("\(count) dead\n"))
    // Everything that was written is what the schema says, and what jq reads.
    let schema = try await Fluxgraph.command(["schema"]).output
    try folder.write(schema, to: "schema.json")
    for name in ["all.jsonl", "dead.jsonl", "notices.jsonl", "spool/crm.dead.jsonl"] {
      #expect(try await Peers.run("schema.py", [folder.path("schema.json"), folder.path(name)]) == "")
    }
    try await Peers.shell(
      "test $(jq -s 'map(select(.status == 500 and .attempts == 1)) | length' spool/crm.dead.jsonl) = \(count)",
      in: folder.path)
    try await Peers.shell(
      "test $(jq -s 'map(select(.original.event != null)) | length' dead.jsonl) = \(count)", in: folder.path)

    let again = try await Fluxgraph.command(["spool", "redeliver", "spool"], directory: folder.path)
    #expect(again.output == "crm  \(count) are delivered again when the graph runs\n")
    // A graph that is wrong touches nothing.
    let wrongGraph = try await Fluxgraph.run(
      "crm = stdin | fluxx | webhook http://127.0.0.1:1/ spool=spool", directory: folder.path)
    #expect(wrongGraph.status == 78)
    let untouched = try await Fluxgraph.command(["spool", "ls", "spool"], directory: folder.path)
    #expect(untouched.output.hasPrefix("crm  \(count) waiting"))
    let taking = try Peers.start("webhook.py")
    let open = try await taking.line(containing: "port").dropFirst(5)
    let second = try await Fluxgraph.run(graph("http://127.0.0.1:\(open)/"), directory: folder.path)
    #expect(second.status == 0, "\(second.errors)")
    taking.signal(SIGKILL)
    #expect(try await taking.outcome().output.split(separator: "\n").count == 1 + 2 * count)

    _ = try await Fluxgraph.run(graph("http://127.0.0.1:\(port)/"), directory: folder.path)
    let dropped = try await Fluxgraph.command(["spool", "drop", "spool", "crm"], directory: folder.path)
    #expect(dropped.output == "crm  0 waiting and \(count) dead were dropped\n")
    refusing.signal(SIGKILL)

    let holder = try Fluxgraph.start(
      "crm = stdin live | decode raw=pcm(s16le, 16k, mono) | flux endpoint=\(flux.call("normal").url) | webhook http://127.0.0.1:1/ spool=spool",
      holdsInput: true, directory: folder.path)
    var intruder: Program.Outcome
    let deadline = Date(timeIntervalSinceNow: 60)
    repeat {
      intruder = try await Fluxgraph.command(["spool", "drop", "spool"], directory: folder.path)
    } while intruder.status == 0 && Date() < deadline
    intruder.expectFailure(74, saying: "spool/crm is in use")
    holder.signal(SIGKILL)
    let wrong = try await Fluxgraph.command(["spool", "ls", "nowhere"], directory: folder.path)
    wrong.expectFailure(74, saying: "nowhere")
  }

  /// A graph whose webhook nobody answers leaves its events in the spool; returns how many.
  private func leave(_ graph: (String) -> String, in folder: Folder) async throws -> Int {
    let first = try await Fluxgraph.run(graph("http://127.0.0.1:9/"), directory: folder.path)
    #expect(first.status == 0, "\(first.errors)")
    return try folder.text(of: "all.jsonl").split(separator: "\n").count
  }

  @Test(
    "what an earlier run has left is delivered without running the graph, and the exit code says whether all of it"
  )
  func deliver() async throws {
    let sound = try await Recordings.shared.value.path("short.wav")
    let flux = try await FakeFlux.shared.value
    let folder = try Folder()
    func graph(_ url: String) -> String {
      """
      heard = file \(sound) | flux endpoint=\(flux.call("normal").url)
      crm = heard | webhook \(url) spool=spool retry=[100ms, 200ms, 200ms, 10m, 10m, 10m]
      crm.dead | jsonl dead.jsonl
      heard | jsonl all.jsonl
      """
    }
    let count = try await leave(graph, in: folder)
    let deaf = try await Fluxgraph.command(
      ["spool", "deliver", "-e", graph("http://127.0.0.1:9/"), "--drain", "1s"], directory: folder.path)
    #expect(deaf.status == 69, "\(deaf.errors)")
    #expect(deaf.output == "crm  \(count) accepted: 0 delivered, \(count) waiting, 0 dead letters, 0 lost\n")
    let hook = try Peers.start("webhook.py")
    let port = try await hook.line(containing: "port").dropFirst(5)
    let wrong = try await Fluxgraph.command(
      ["spool", "deliver", "-e", graph("http://127.0.0.1:\(port)/"), "heard"], directory: folder.path)
    wrong.expectFailure(78, saying: "no sink called heard", "it has: crm")
    let delivered = try await Fluxgraph.command(
      ["spool", "deliver", "-e", graph("http://127.0.0.1:\(port)/"), "crm"], directory: folder.path)
    #expect(delivered.status == 0, "\(delivered.errors)")
    #expect(
      delivered.output == "crm  \(count) accepted: \(count) delivered, 0 waiting, 0 dead letters, 0 lost\n")
    // Nothing else was run.
    #expect(try folder.text(of: "all.jsonl").split(separator: "\n").count == count)
    hook.signal(SIGKILL)
    #expect(try await hook.outcome().output.split(separator: "\n").count == 1 + count)
    let none = try await Fluxgraph.command(
      ["spool", "deliver", "-e", "file \(sound) | flux endpoint=local | stdout"], directory: folder.path)
    none.expectFailure(78, saying: "no sink that keeps events in a spool")
  }

  @Test("a run with a drain waits for a receiver that comes back, and Ctrl-C ends the wait")
  func drain() async throws {
    let sound = try await Recordings.shared.value.path("short.wav")
    let flux = try await FakeFlux.shared.value
    let folder = try Folder()
    // A port that is free now, and nobody's for a while.
    let finder = try Peers.start("webhook.py")
    let port = try await finder.line(containing: "port").dropFirst(5)
    finder.signal(SIGKILL)
    _ = try await finder.outcome()
    let graph =
      "crm = file \(sound) | flux endpoint=\(flux.call("normal").url) | webhook http://127.0.0.1:\(port)/ spool=spool retry=[1s, 1s, 10m]"
    let sender = try Program(
      Fluxgraph.path, ["run", "--drain", "10m", "-e", graph], Fluxgraph.surroundings(directory: folder.path))
    _ = try await sender.errorLine(containing: "it is tried again")
    try await Task.sleep(for: .seconds(5))
    let began = Date()
    sender.signal(SIGINT)
    let outcome = try await sender.outcome()
    #expect(outcome.status == 0 && Date().timeIntervalSince(began) < 5, "\(outcome.errors)")
    #expect(outcome.errors.contains("stay in the spool"), "\(outcome.errors)")
    let wrong = try await Fluxgraph.command(["run", "--drain", "soon", "-e", "stdin | stdout"])
    #expect(wrong.status == 64 && wrong.errors.contains("`--drain` wants a duration"), "\(wrong.errors)")
  }
}
