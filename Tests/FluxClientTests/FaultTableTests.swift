import FluxGraph
import FluxProtocol
import Glibc
import StageTesting
import Testing

@testable import FluxClient

@Suite("The fault table")
struct FaultTableTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var name: String
    var source = SessionStage.Source()
    var faults: [Fault]
    var intervals: [String] = []
    var turns: [String] = []
    var notices: [String] = []
    var error: String?
    var testDescription: String { name }
  }

  @Test("print")
  func printAll() {
    func print(_ items: Any...) { let t = items.map { "\($0)" }.joined(separator: " ") + "\n"; _ = write(1, t, t.utf8.count) }
    for row in Self.rows {
      let stage = SessionStage(row.source, faults: row.faults).runToEnd()
      print("##", row.name, stage.now)
      print("   ", stage.intervals)
      print("   ", stage.turns)
      print("   ", stage.notices)
      print("   ", stage.places)
      print("   ", stage.brokenPromises, stage.outcome as Any)
      for n in stage.world.notices { print("      -", n.message) }
    }
  }

  static let live = SessionStage.Source(liveness: .live)

  static let rows: [Row] = [
    Row(name: "finite: nothing goes wrong", faults: []),
    Row(name: "live: nothing goes wrong", source: live, faults: []),
    Row(name: "finite: cut inside a turn", faults: [.cut(after: 4.6)]),
    Row(name: "live: cut inside a turn", source: live, faults: [.cut(after: 4.6)]),
    Row(name: "finite: cut between turns", faults: [.cut(after: 3.2)]),
    Row(name: "live: cut between turns", source: live, faults: [.cut(after: 3.2)]),
    Row(name: "finite: closed by the service inside a turn", faults: [.closed(after: 4.6, code: nil)]),
    Row(name: "finite: stalled inside a turn", source: .init(seconds: 20), faults: [.stalled(after: 4.6)]),
    Row(name: "live: stalled inside a turn", source: .init(liveness: .live, seconds: 20), faults: [.stalled(after: 4.6)]),
    Row(name: "live: blocked inside a turn", source: .init(liveness: .live, seconds: 20), faults: [.blocked(after: 4.6)]),
    Row(name: "finite: unreachable twice at first", faults: [.unreachable, .unreachable]),
    Row(name: "finite: unreachable at first for good", faults: [.unreachable, .unreachable, .unreachable]),
    Row(name: "live: mute", source: live, faults: [.mute]),
    Row(name: "finite: cut, then unreachable, then cut in the replay", faults: [.cut(after: 4.6), .unreachable, .cut(after: 0.4)]),
    Row(name: "live: refused key", source: live, faults: [.refused(401, body: #"{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials."}"#)]),
    Row(name: "finite: too many", faults: [.refused(429, body: #"{"err_code":"TOO_MANY_REQUESTS","err_msg":"Too many"}"#)]),
    Row(name: "finite: internal error", faults: [.error(after: 4.6, code: "INTERNAL_SERVER_ERROR")]),
    Row(name: "finite: unparsable", faults: [.error(after: 4.6, code: "UNPARSABLE_CLIENT_MESSAGE")]),
  ]
}
