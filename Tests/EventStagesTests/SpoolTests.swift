import FluxGraph
import Foundation
import Platform
import TestSupport
import Testing

import enum Platform.FileLockError

@testable import EventStages

@Suite struct SpoolTests {
  private func delivery(_ name: String) -> Delivery {
    Delivery(
      id: name, stream: "me", accepted: 12.5, event: ["event": "Update", "text": .string(name)], body: nil)
  }

  private func ids(_ folder: TemporaryFolder) async throws -> [String] {
    try await Spool.whenFree(directory: folder.path, name: "crm", limit: 100_000).deliveries.map(\.id)
  }

  @Test("what was accepted and is not done is there again, with its attempts")
  func restart() async throws {
    let folder = try TemporaryFolder()
    do {
      let spool = try await Spool.whenFree(directory: folder.path, name: "crm", limit: 100_000)
      let first = try #require(try spool.accept(delivery("a")))
      var second = try #require(try spool.accept(delivery("b")))
      second.attempts = 3
      try spool.attempted(Shipment(second, isBatch: false))
      try spool.done(first.number)
    }
    let spool = try await Spool.whenFree(directory: folder.path, name: "crm", limit: 100_000)
    #expect(spool.deliveries.map(\.id) == ["b"] && spool.deliveries[0].attempts == 3)
    #expect(try #require(try spool.accept(delivery("c"))).number == 3)
  }

  @Test("a log cut at any byte keeps every record before the cut, and goes on being used")
  func cuts() async throws {
    let folder = try TemporaryFolder()
    var ends: [(length: Int, ids: [String])] = [(0, [])]
    do {
      let spool = try await Spool.whenFree(directory: folder.path, name: "crm", limit: 100_000)
      func mark() throws {
        let size = try readFile(folder.file("crm.spool")).count
        ends.append((size, spool.deliveries.map(\.id)))
      }
      var kept: [Delivery] = []
      for name in ["a", "b", "c", "d"] {
        kept.append(try #require(try spool.accept(delivery(name))))
        try mark()
        if name == "b" {
          try spool.done(kept[0].number)
          try mark()
        }
        if name == "c" {
          kept[1].attempts = 1
          try spool.attempted(Shipment(kept[1], isBatch: false))
          try mark()
        }
        if name == "d" {
          try spool.batched([Array(kept[2...3])])
          try mark()
          try spool.done(kept[2].number)
          try mark()
        }
      }
      #expect(spool.deliveries.map(\.id) == ["b"], "a batch is done as a whole")
    }
    let log = try readFile(folder.file("crm.spool"))
    for cut in 0...log.count {
      try Data(log[..<cut]).write(to: URL(filePath: folder.file("crm.spool")))
      let expected = try #require(ends.last { $0.length <= cut }).ids
      do {
        let spool = try await Spool.whenFree(directory: folder.path, name: "crm", limit: 100_000)
        #expect(spool.deliveries.map(\.id) == expected, "cut at \(cut)")
        #expect(spool.damaged == 0)
        _ = try spool.accept(delivery("new"))
      }
      #expect(try await ids(folder) == expected + ["new"], "cut at \(cut)")
    }
  }

  @Test("a damaged record costs itself and no other")
  func damage() async throws {
    let folder = try TemporaryFolder()
    do {
      let spool = try await Spool.whenFree(directory: folder.path, name: "crm", limit: 100_000)
      for name in ["a", "b", "c"] { _ = try spool.accept(delivery(name)) }
    }
    let log = try readFile(folder.file("crm.spool"))
    var random = SeededGenerator(seed: 7)
    for _ in 0..<200 {
      var damaged = log
      damaged[Int.random(in: 0..<log.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
      try Data(damaged).write(to: URL(filePath: folder.file("crm.spool")))
      #expect(try await ids(folder).count == 2)
    }
  }

  @Test("damage at the end of a log is told as damage anywhere else is, and what was there is kept")
  func damagedEnd() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("crm.spool")
    do {
      let spool = try Spool(directory: folder.path, name: "crm", limit: 100_000)
      for name in ["a", "b", "c"] { _ = try spool.accept(delivery(name)) }
    }
    let log = try readFile(path)
    let last = log.count - SpoolRecord.accepted(delivery("c")).bytes.count
    var cases: [(bytes: [UInt8], ids: Int)] = (last..<log.count).flatMap { place in
      ([0x01, 0x80, 0xFF] as [UInt8]).map { bit in
        var bytes = log
        bytes[place] ^= bit
        return (bytes, 2)
      }
    }
    cases.append((Array("Something else altogether, such as somebody's notes.\n".utf8), 0))
    cases.append((log + Array(repeating: 0, count: 4096), 3))
    cases.append((Array(repeating: 0, count: 4096) + log, 3))
    cases.append((log + Array("{}\n{}\n".utf8), 3))
    for (bytes, count) in cases {
      try Data(bytes).write(to: URL(filePath: path))
      #expect(try Spool.summary(directory: folder.path, name: "crm").damaged > 0)
      do {
        let spool = try Spool(directory: folder.path, name: "crm", limit: 100_000)
        #expect(spool.damaged > 0 && spool.deliveries.count == count)
        _ = try spool.accept(delivery("new"))
      }
      #expect(try readFile(path + ".damaged") == bytes)
      let again = try Spool(directory: folder.path, name: "crm", limit: 100_000)
      #expect(again.damaged == 0 && again.deliveries.count == count + 1, "it is told once")
    }
    #expect(try Spool.names(in: folder.path) == ["crm"])
  }

  @Test("whatever a file holds, it is read in one go")
  func garbage() {
    var random = SeededGenerator(seed: 3)
    let fake = SpoolRecord.accepted(delivery("a")).bytes.prefix(24)
    let pieces: [[UInt8]] = [
      [0], [0, 16, 0, 0], Array("{\"v\":1}\n".utf8), Array(fake),
      [255, 255, 63, 0] + Array(fake.dropFirst(4)),
      (0..<9999).map { _ in .random(in: 0...255, using: &random) },
    ]
    for piece in pieces {
      let bytes = Array(repeatElement(piece, count: 400_000 / piece.count).joined())
      let began = ContinuousClock.now
      let (records, _, damaged) = SpoolRecord.readAll(bytes)
      #expect(records.isEmpty && damaged == bytes.count)
      #expect(ContinuousClock.now - began < .seconds(20), "\(piece.prefix(8))")
    }
  }

  @Test("the log stays below its limit, and what is done makes room")
  func limit() async throws {
    let folder = try TemporaryFolder()
    let spool = try await Spool.whenFree(directory: folder.path, name: "crm", limit: 2000)
    var kept: [Delivery] = []
    while let delivery = try spool.accept(delivery("x\(kept.count)")) { kept.append(delivery) }
    #expect(kept.count > 10)
    #expect(try readFile(folder.file("crm.spool")).count <= 2000)
    for delivery in kept.prefix(5) { try spool.done(delivery.number) }
    for _ in 0..<5 { #expect(try spool.accept(delivery("y0")) != nil) }
    #expect(try readFile(folder.file("crm.spool")).count <= 2000)
    #expect(spool.deliveries.count == kept.count)
    // What is said of deliveries has its room kept free, and dead letters have a limit too.
    for round in 1...200 {
      for var one in spool.shipments {
        one.attempts = round
        try spool.attempted(one)
      }
    }
    #expect(try readFile(folder.file("crm.spool")).count <= 2000)
    var isKept = true
    for one in spool.deliveries {
      isKept = try spool.bury([
        DeadLetter(delivery: one, reason: String(repeating: "x", count: 300), status: nil)
      ])
    }
    #expect(!isKept && spool.deliveries.isEmpty)
    #expect(try readFile(folder.file("crm.dead.jsonl")).count <= 2000)
    #expect(try readFile(folder.file("crm.spool")).count <= 2000)
  }

  @Test("a batch that was sent is the same batch after a restart, also after the log was written anew")
  func batches() async throws {
    let folder = try TemporaryFolder()
    var sent: [String] = []
    for round in 0..<3 {
      let spool = try await Spool.whenFree(
        directory: folder.path, name: "crm", limit: round == 1 ? 4000 : 100_000)
      if round == 0 {
        let kept = try ["a", "b", "c", "d"].map { try #require(try spool.accept(delivery($0))) }
        try spool.batched([[kept[1], kept[2]]])
        var batch = Shipment(batch: [kept[1], kept[2]])
        batch.attempts = 2
        try spool.attempted(batch)
        sent = spool.shipments.map(\.id)
      }
      let shipments = spool.shipments
      #expect(shipments.map { $0.deliveries.map(\.id) } == [["a"], ["b", "c"], ["d"]])
      #expect(shipments.map(\.isBatch) == [false, true, false] && shipments.map(\.attempts) == [0, 2, 0])
      #expect(shipments.map(\.id) == sent)
      // Fills and empties the log until it is written anew.
      if round == 1 {
        for number in 0..<40 {
          let more = try #require(try spool.accept(delivery("x\(number)")))
          try spool.done(more.number)
        }
        #expect(try readFile(folder.file("crm.spool")).count < 4000)
      }
    }
  }

  @Test("no record of damage, whatever it says, ends the program or makes a delivery of its own")
  func mutations() throws {
    let whole = [
      SpoolRecord.accepted(delivery("a")), .batched([1, 2]), .attempted(number: 1, attempts: 3),
      .done(number: 2),
    ]
    var random = SeededGenerator(seed: 11)
    for _ in 0..<2000 {
      var content: [UInt8] = []
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        var bytes = whole.randomElement(using: &random)!.bytes
        for _ in 0..<Int.random(in: 0...3, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
        }
        content += bytes.prefix(Int.random(in: 0...bytes.count, using: &random))
      }
      let (records, length, damaged) = SpoolRecord.readAll(content)
      #expect(length + damaged <= 2 * content.count && length <= content.count)
      for shipment in SpoolContents(records).shipments {
        #expect(shipment.deliveries.allSatisfy { $0.id == "a" })
      }
    }
    // Records that are whole and contradict each other.
    for _ in 0..<500 {
      var contents = SpoolContents()
      for _ in 0..<30 {
        let number = UInt64.random(in: 1...6, using: &random)
        switch Int.random(in: 0...3, using: &random) {
        case 0:
          var one = delivery("\(number)")
          one.number = number
          contents.apply(.accepted(one))
        case 1: contents.apply(.batched((0...2).map { _ in .random(in: 1...6, using: &random) }))
        case 2: contents.apply(.attempted(number: number, attempts: 2))
        default: contents.apply(.done(number: number))
        }
      }
      let shipped = contents.shipments.flatMap(\.deliveries).map(\.number)
      #expect(shipped.sorted() == contents.deliveries.map(\.number))
      #expect(SpoolContents(contents.records).shipments.map(\.id) == contents.shipments.map(\.id))
    }
  }

  @Test("a spool has one user at a time")
  func lock() async throws {
    let folder = try TemporaryFolder()
    let first = try await Spool.whenFree(directory: folder.path, name: "crm", limit: 2000)
    #expect(throws: FileLockError.self) { try Spool(directory: folder.path, name: "crm", limit: 2000) }
    _ = try await Spool.whenFree(directory: folder.path, name: "other", limit: 2000)
    #expect(first.deliveries.isEmpty)
  }

  @Test("dead letters can be delivered again, or dropped")
  func deadLetters() async throws {
    let folder = try TemporaryFolder()
    do {
      let spool = try await Spool.whenFree(directory: folder.path, name: "crm", limit: 100_000)
      for name in ["a", "b"] {
        var kept = try #require(try spool.accept(delivery(name)))
        kept.attempts = 4
        #expect(
          try spool.bury([DeadLetter(delivery: kept, reason: "it answered with status 500", status: 500)]))
      }
      #expect(spool.deliveries.isEmpty)
    }
    let line = try #require(try folder.text("crm.dead.jsonl").split(separator: "\n").first)
    let letter = try JSONValue.parse(Array(line.utf8).span)
    #expect(letter["status"]?.intValue == 500 && letter["attempts"]?.intValue == 4)
    #expect(try Spool.names(in: folder.path) == ["crm"])
    #expect(try Spool.summary(directory: folder.path, name: "crm").dead == 2)
    do {
      let spool = try await Spool.whenFree(directory: folder.path, name: "crm", limit: 100_000)
      #expect(try spool.redeliver() == (2, 0))
    }
    #expect(try Spool.summary(directory: folder.path, name: "crm").pending == 2)
    let spool = try await Spool.whenFree(directory: folder.path, name: "crm", limit: 100_000)
    #expect(spool.deliveries.map(\.id) == ["a", "b"] && spool.deliveries.map(\.attempts) == [0, 0])
    #expect(try spool.drop() == 0)
    #expect(try Spool.summary(directory: folder.path, name: "crm").pending == 0)
  }

  @Test("dead letters hold what the spool holds, and nobody else reads either, whatever was there before")
  func permissions() throws {
    let folder = try TemporaryFolder()
    let letters = folder.file("crm.dead.jsonl")
    for isOld in [false, true] {
      if isOld {
        for path in [letters, folder.file("crm.spool")] { #expect(chmod(path, 0o644) == 0) }
      }
      let spool = try Spool(directory: folder.path, name: "crm", limit: 100_000)
      let accepted = try #require(try spool.accept(delivery("a")))
      #expect(try spool.bury([DeadLetter(delivery: accepted, reason: "no", status: nil)]))
      for path in [letters, folder.file("crm.spool")] {
        var state = stat()
        #expect(stat(path, &state) == 0 && state.st_mode & 0o777 == 0o600, "\(path)")
      }
    }
    try FileManager.default.removeItem(atPath: letters)
    let spool = try Spool(directory: folder.path, name: "crm", limit: 100_000)
    _ = try spool.redeliver()
    var state = stat()
    #expect(stat(letters, &state) == 0 && state.st_mode & 0o777 == 0o600)
  }
}
