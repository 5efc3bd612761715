import AudioStages
import FluxGraph
import StageTesting
import Testing

@Suite struct HTTPSourceTests {
  private let world = TestWorld()

  private func source(live: Bool) throws -> HTTPSource {
    var source = HTTPSource()
    source.url = WebURL("http://radio.example.com/stream?token=hidden")
    source.live = live
    try source.open(world.context())
    return source
  }

  private func take(_ source: inout HTTPSource, capacity: Int = 1 << 20) throws -> (
    bytes: [UInt8], progress: SourceProgress
  ) {
    var all: [UInt8] = []
    while true {
      var room = ByteBuffer(capacity: capacity)
      let progress = try source.read(into: &room)
      guard progress == .produced else { return (all, progress) }
      for index in 0..<room.count { all.append(room.bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)) }
    }
  }

  @Test("the user's headers are sent, in the place of the stage's own")
  func headers() throws {
    var source = HTTPSource()
    source.url = WebURL("https://radio.example.com/stream")
    source.headers = try [HeaderLine].parse(.list([.word("X-Key: room-7"), .word("user-agent: mine")]))
    try source.open(world.context())
    let sent = Set(world.downloads[0].headers.map { "\($0.name): \($0.value)" })
    #expect(sent == ["X-Key: room-7", "user-agent: mine", "Icy-MetaData: 1"])
  }

  private static let whole: HTTPHeaders = [
    HTTPHeader("Accept-Ranges", "bytes"), HTTPHeader("ETag", "\"v1\""), HTTPHeader("Content-Length", "6"),
  ]

  @Test("a file that brings nothing more is gone on with where it broke, as long as it is the same one")
  func resumption() throws {
    var source = try source(live: false)
    world.downloads[0].give(.response(status: 200, headers: Self.whole))
    world.downloads[0].give([1, 2, 3])
    world.loop.advance(by: .seconds(29))
    #expect(!world.downloads[0].isCancelled)
    world.loop.advance(by: .seconds(1))
    #expect(world.downloads[0].isCancelled)
    #expect(world.notices.last?.message.contains("has sent nothing for 30s; connecting again in 1s") == true)
    world.loop.advance(by: .seconds(1))
    let again = world.downloads[1]
    #expect(again.headers.contains(HTTPHeader("Range", "bytes=3-")))
    #expect(again.headers.contains(HTTPHeader("If-Range", "\"v1\"")))
    again.give(.response(status: 206, headers: [HTTPHeader("Content-Range", "bytes 3-5/6")]))
    again.give([4])
    again.give(.finished(NetworkFailure(.connectionLost, "the connection was lost")))
    world.loop.advance(by: .seconds(1))
    world.downloads[2].give(.response(status: 206, headers: [HTTPHeader("Content-Range", "bytes 4-5/6")]))
    world.downloads[2].give([5, 6])
    world.downloads[2].give(.finished(nil))
    let (bytes, progress) = try take(&source)
    #expect(bytes == [1, 2, 3, 4, 5, 6] && progress == .finished)
  }

  @Test(
    "a file that cannot be gone on with ends with the reason",
    arguments: [
      ("no ranges", "has sent nothing for 30s"), ("a weak tag", "has sent nothing for 30s"),
      ("changed", "is another file by now"), ("another place", "is another file by now"),
      ("gone", "answered 404"), ("nothing came", "has sent nothing for 30s"),
      ("again and again", "the connection"),
    ])
  func noResumption(_ how: String, _ saying: String) throws {
    var source = try source(live: false)
    var headers = Self.whole
    if how == "no ranges" { headers.removeFirst() }
    if how == "a weak tag" { headers[1] = HTTPHeader("ETag", "W/\"v1\"") }
    world.downloads[0].give(.response(status: 200, headers: headers))
    if how != "nothing came" { world.downloads[0].give([1, 2, 3]) }
    world.loop.advance(by: .seconds(31))
    for number in 1..<7 {
      world.loop.advance(by: .seconds(20))
      guard world.downloads.count > number else { break }
      let next = world.downloads[number]
      switch how {
      case "changed": next.give(.response(status: 200, headers: Self.whole))
      case "another place":
        next.give(.response(status: 206, headers: [HTTPHeader("Content-Range", "bytes 0-5/6")]))
      case "gone": next.give(.response(status: 404, headers: []))
      default: next.give(.finished(NetworkFailure(.connectionLost, "the connection was lost")))
      }
    }
    let error = #expect(throws: StageError.self) { while try take(&source).progress != .finished {} }
    #expect(error?.code == .unavailable && error?.message.contains(saying) == true, "\(error?.message ?? "")")
    #expect(world.downloads.count <= 6)
  }

  @Test("a file that is held back here is not taken for a silent one")
  func heldBack() throws {
    var source = try source(live: false)
    world.downloads[0].give(.response(status: 200, headers: Self.whole))
    world.downloads[0].give([UInt8](repeating: 1, count: 300 << 10))
    #expect(world.downloads[0].isPaused)
    world.loop.advance(by: .seconds(100))
    _ = try take(&source)
    world.loop.advance(by: .seconds(29))
    #expect(!world.downloads[0].isPaused && !world.downloads[0].isCancelled)
    world.loop.advance(by: .seconds(2))
    #expect(world.downloads[0].isCancelled)
  }

  @Test("titles are taken out of the sound wherever the stream is cut, and told once")
  func titles() throws {
    // What a station sends: sound in pieces of 100 bytes, between them nothing, a title, the same, another.
    let sound = (0..<500).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    func text(_ text: String) -> [UInt8] {
      let length = (text.utf8.count + 15) / 16
      return [UInt8(length)] + Array(text.utf8) + [UInt8](repeating: 0, count: length * 16 - text.utf8.count)
    }
    let texts = ["", "StreamTitle='It's on';StreamUrl='';", "StreamTitle='It's on';", "StreamTitle='Next';"]
    var stream: [UInt8] = []
    for piece in 0..<5 {
      stream += sound[(piece * 100)..<(piece * 100 + 100)]
      if piece < 4 { stream += text(texts[piece]) }
    }
    for size in [1, 3, 17, 99, 1000] {
      let world = TestWorld()
      var source = HTTPSource()
      source.url = WebURL("http://radio.example.com/stream")
      try source.open(world.context())
      let download = world.downloads[0]
      #expect(download.headers.contains(HTTPHeader("Icy-MetaData", "1")))
      download.give(.response(status: 200, headers: [HTTPHeader("ICY-MetaInt", "100")]))
      for start in stride(from: 0, to: stream.count, by: size) {
        download.give(Array(stream[start..<min(stream.count, start + size)]))
      }
      download.give(.finished(nil))
      let result = try take(&source)
      #expect(result.bytes == sound && result.progress == .finished)
      // Of several in one piece the last is told.
      let titles = size < 1000 ? ["now: It's on", "now: Next"] : ["now: Next"]
      #expect(world.notices.map(\.message) == titles)
    }
  }

  @Test("a live stream that breaks is connected again, later and later; the sound begins anew")
  func reconnect() throws {
    var source = try source(live: true)
    for (attempt, pause) in [1, 2, 4, 8, 16, 30, 30].enumerated() {
      #expect(world.downloads.count == attempt + 1)
      world.downloads[attempt].give(
        .finished(NetworkFailure(.connectionRefused, "the connection was refused")))
      world.loop.advance(by: .seconds(pause) - .milliseconds(1))
      #expect(world.downloads.count == attempt + 1)
      world.loop.advance(by: .milliseconds(2))
    }
    let download = world.downloads[7]
    download.give(.response(status: 200, headers: []))
    #expect(try take(&source).progress == .restarted)
    download.give([1, 2, 3])
    // What an old connection still brings is not heard.
    world.downloads[0].give([9])
    #expect(try take(&source).bytes == [1, 2, 3])
    // A connection that is open and brings nothing is given up, too.
    world.loop.advance(by: .seconds(32))
    #expect(download.isCancelled && world.downloads.count == 9)
    #expect(world.notices.allSatisfy { !$0.message.contains("hidden") })
    #expect(try source.close())
    world.loop.advance(by: .seconds(100))
    #expect(world.downloads.count == 9)
  }

  @Test("sound of two connections is told apart, however late it is read")
  func boundary() throws {
    var source = try source(live: true)
    func connect(_ bytes: [UInt8]) {
      let download = world.downloads[world.downloads.count - 1]
      download.give(.response(status: 200, headers: []))
      if !bytes.isEmpty { download.give(bytes) }
      download.give(.finished(nil))
      world.loop.advance(by: .seconds(29))
    }
    connect([1, 2, 3])
    // Its end comes before anything of it was read: it is as though it had never been.
    connect([4, 5])
    connect([])
    let download = world.downloads[world.downloads.count - 1]
    download.give(.response(status: 200, headers: []))
    download.give([6, 7])
    let old = try take(&source, capacity: 2)
    #expect(old.bytes == [1, 2, 3] && old.progress == .restarted)
    let new = try take(&source, capacity: 2)
    #expect(new.bytes == [6, 7] && new.progress == .waiting)
  }

  @Test("a file that breaks, and an answer that is none, end with a sentence", arguments: [false, true])
  func failures(live: Bool) throws {
    var source = try source(live: live)
    world.downloads[0].give(.response(status: 404, headers: []))
    #expect(throws: StageError.self) { try take(&source) }
    world.loop.advance(by: .seconds(100))
    #expect(world.downloads.count == 1)
  }

  @Test("a server that is faster than the graph is made to wait")
  func backPressure() throws {
    var source = try source(live: false)
    let download = world.downloads[0]
    download.give(.response(status: 200, headers: []))
    var given = 0
    while !download.isPaused {
      download.give([UInt8](repeating: 1, count: 10_000))
      given += 10_000
      #expect(given < 400_000)
    }
    let result = try take(&source, capacity: 4096)
    #expect(result.bytes.count == given && result.progress == .waiting)
    #expect(!download.isPaused)
  }
}
