import FluxGraph
import Foundation
import Testing

@testable import EventStages

@Suite struct SpoolTests {
  private func delivery(_ name: String) -> Delivery {
    Delivery(
      id: name, stream: "me", accepted: 12.5, event: ["event": "Update", "text": .string(name)], body: nil)
  }

  private func ids(_ folder: Folder) throws -> [String] {
    try Spool(directory: folder.path, name: "crm", limit: 100_000).deliveries.map(\.id)
  }

  @Test("what was accepted and is not done is there again, with its attempts")
  func restart() throws {
    let folder = try Folder()
    do {
      let spool = try Spool(directory: folder.path, name: "crm", limit: 100_000)
      let first = try #require(try spool.accept(delivery("a")))
      var second = try #require(try spool.accept(delivery("b")))
      second.attempts = 3
      try spool.attempted(second)
      try spool.done(first.number)
    }
    let spool = try Spool(directory: folder.path, name: "crm", limit: 100_000)
    #expect(spool.deliveries.map(\.id) == ["b"] && spool.deliveries[0].attempts == 3)
    #expect(try #require(try spool.accept(delivery("c"))).number == 3)
  }

  @Test("a log cut at any byte keeps every record before the cut, and goes on being used")
  func cuts() throws {
    let folder = try Folder()
    var ends: [(length: Int, ids: [String])] = [(0, [])]
    do {
      let spool = try Spool(directory: folder.path, name: "crm", limit: 100_000)
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
          try spool.attempted(kept[1])
          try mark()
        }
      }
    }
    let log = try readFile(folder.file("crm.spool"))
    for cut in 0...log.count {
      try Data(log[..<cut]).write(to: URL(filePath: folder.file("crm.spool")))
      let expected = try #require(ends.last { $0.length <= cut }).ids
      do {
        let spool = try Spool(directory: folder.path, name: "crm", limit: 100_000)
        #expect(spool.deliveries.map(\.id) == expected, "cut at \(cut)")
        #expect(spool.damaged == 0)
        _ = try spool.accept(delivery("new"))
      }
      #expect(try ids(folder) == expected + ["new"], "cut at \(cut)")
    }
  }

  @Test("a damaged record costs itself and no other")
  func damage() throws {
    let folder = try Folder()
    do {
      let spool = try Spool(directory: folder.path, name: "crm", limit: 100_000)
      for name in ["a", "b", "c"] { _ = try spool.accept(delivery(name)) }
    }
    let log = try readFile(folder.file("crm.spool"))
    var random = SplitMix64(state: 7)
    for _ in 0..<200 {
      var damaged = log
      damaged[Int.random(in: 0..<log.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
      try Data(damaged).write(to: URL(filePath: folder.file("crm.spool")))
      #expect(try ids(folder).count == 2)
    }
  }

  @Test("the log stays below its limit, and what is done makes room")
  func limit() throws {
    let folder = try Folder()
    let spool = try Spool(directory: folder.path, name: "crm", limit: 2000)
    var kept: [Delivery] = []
    while let delivery = try spool.accept(delivery("x\(kept.count)")) { kept.append(delivery) }
    #expect(kept.count > 10)
    #expect(try readFile(folder.file("crm.spool")).count <= 2000)
    for delivery in kept.prefix(5) { try spool.done(delivery.number) }
    for _ in 0..<5 { #expect(try spool.accept(delivery("y0")) != nil) }
    #expect(try readFile(folder.file("crm.spool")).count <= 2000)
    #expect(spool.deliveries.count == kept.count)
  }

  @Test("a spool has one user at a time")
  func lock() throws {
    let folder = try Folder()
    let first = try Spool(directory: folder.path, name: "crm", limit: 2000)
    #expect(throws: StageError.self) { try Spool(directory: folder.path, name: "crm", limit: 2000) }
    _ = try Spool(directory: folder.path, name: "other", limit: 2000)
    #expect(first.deliveries.isEmpty)
  }

  @Test("dead letters can be delivered again, or dropped")
  func deadLetters() throws {
    let folder = try Folder()
    do {
      let spool = try Spool(directory: folder.path, name: "crm", limit: 100_000)
      for name in ["a", "b"] {
        var kept = try #require(try spool.accept(delivery(name)))
        kept.attempts = 4
        try spool.bury(DeadLetter(delivery: kept, reason: "it answered with status 500", status: 500))
      }
      #expect(spool.deliveries.isEmpty)
    }
    let line = try #require(try folder.text("crm.dead.jsonl").split(separator: "\n").first)
    let letter = try JSONValue.parse(Array(line.utf8).span)
    #expect(letter["status"]?.intValue == 500 && letter["attempts"]?.intValue == 4)
    #expect(try Spool.names(in: folder.path) == ["crm"])
    #expect(try Spool.summary(directory: folder.path, name: "crm").dead == 2)
    do {
      let spool = try Spool(directory: folder.path, name: "crm", limit: 100_000)
      #expect(try spool.redeliver() == (2, 0))
    }
    #expect(try Spool.summary(directory: folder.path, name: "crm").pending == 2)
    let spool = try Spool(directory: folder.path, name: "crm", limit: 100_000)
    #expect(spool.deliveries.map(\.id) == ["a", "b"] && spool.deliveries.map(\.attempts) == [0, 0])
    try spool.drop()
    #expect(try Spool.summary(directory: folder.path, name: "crm").pending == 0)
  }
}
