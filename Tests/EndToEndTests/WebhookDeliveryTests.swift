import Foundation
import Testing

/// A webhook whose sender is killed and whose receiver does what real ones do.
@Suite(
  .timeLimit(.minutes(2)), .enabled(if: Peers.areThere, "needs Python's flask, standardwebhooks and ffmpeg"))
struct WebhookDeliveryTests {
  /// The identifiers of deliveries a spool's log holds, done or not: records of length, checksum, letter, number and JSON.
  private func accepted(_ log: Data) throws -> Set<String> {
    struct Delivery: Decodable {
      var id: String
    }
    var ids: Set<String> = []
    var position = 0
    while position + 8 <= log.count {
      let length = (0..<4).reduce(0) { $0 | Int(log[log.startIndex + position + $1]) << (8 * $1) }
      let content = log.dropFirst(position + 8).prefix(length)
      guard content.count == length else { break }
      if content.first == UInt8(ascii: "A") {
        ids.insert(try JSONDecoder().decode(Delivery.self, from: content.dropFirst(9)).id)
      }
      position += 8 + length
    }
    return ids
  }

  @Test(
    "every event that was accepted arrives, though the sender is killed again and again and the receiver fails"
  )
  func killed() async throws {
    let secret = "whsec_" + Data((0..<32).map { UInt8($0) }).base64EncodedString()
    let sound = try await Recordings.shared.value.path("short.wav")
    let flux = try await FakeFlux.shared.value
    let folder = try Folder()
    let hook = try Peers.start("receiver.py", ["7", secret])
    let port = try await hook.line(containing: "port").dropFirst(5)
    func graph() -> String {
      """
      crm = file \(sound) | flux endpoint=\(flux.call("normal").url) \
      | webhook http://127.0.0.1:\(port)/turns secret=env(HOOK_SECRET) spool=spool order=1s timeout=1s \
      retry=[50ms, 100ms, 200ms, 200ms, 500ms, 500ms, 1s, 1s, 5s, 5s, 5s]
      """
    }
    let log = URL(filePath: folder.path + "/spool/crm.spool")
    var expected: Set<String> = []
    for delay in [400, 1100, 2300, 700, 1600, 900] {
      let sender = try Program(
        Fluxgraph.path, ["run", "-e", graph()],
        Fluxgraph.surroundings(["HOOK_SECRET": secret], directory: folder.path))
      // Whenever it comes, the kill may lose nothing: no seed is needed to know what must hold.
      try await Task.sleep(for: .milliseconds(delay))
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
    let taken = Set(lines.filter { $0.contains(" 204 ") }.map { String($0.prefix { $0 != " " }) })
    #expect(expected.count >= 6, "\(expected.count)")
    #expect(expected.subtracting(taken).isEmpty)
  }
}
