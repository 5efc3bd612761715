package import FluxGraph
internal import Synchronization

/// The stage `http`: reads sound from the web.
package struct HTTPSource: ByteSource {
  package static let description = StageDescription<HTTPSource>(
    "http", "Reads sound from the web: a file, or an internet radio station.",
    details: """
      What it is, is found out from its content; `decode raw=…` behind it names samples without a header. Redirects are \
      followed. `live` says that the sound comes in real time, as from a radio station: it is then connected again when the \
      connection breaks. A file whose download breaks, or brings nothing for as long as `stall` says, is gone on with where it \
      broke, if the server can give the rest of the same file. Titles the station sends are shown as notices. Most stations send \
      MP3 or AAC, which ffmpeg decodes, where it is installed; a list of addresses (`.m3u`, `.pls`) is no sound: write the address in it.
      """,
    examples: [
      "http https://example.com/talk.opus | flux | stdout",
      "http https://radio.example.com/live.opus live | flux | stdout",
    ]
  ) {
    Option(
      "url", \HTTPSource.url, "The address, `https://…` or `http://…`.", positional: true, required: true)
    Rule(reads: ["url"]) { source in
      guard let url = source.url, !url.text.lowercased().hasPrefix("http") else { return nil }
      return OptionConflict(
        code: "wrong-type", "sound is read from an http or https address", options: ["url"],
        help: "write `https://…`")
    }
    Option("live", \HTTPSource.live, "The sound comes in real time.")
    Option(
      "stall", \HTTPSource.stall, "How long a connection may bring nothing before it counts as broken.",
      in: .seconds(1)...(.seconds(3600)))
    Option(
      "headers", \HTTPSource.headers,
      "Headers to send, as `\"Name: value\"` or, kept secret, as `env(NAME)` holding such a line; another host a redirect leads to gets none of them."
    )
    Rule.unencryptedKey(
      reads: ["url", "headers"],
      example: "http http://radio.example.com/live.opus headers=[\"X-Api-Key: room-7\"] | flux | stdout",
      fix: "http https://radio.example.com/live.opus headers=[\"X-Api-Key: room-7\"] | flux | stdout",
      address: \.url, keys: { $0.headers.contains(where: \.isCredential) ? ["headers"] : [] })
    Option(
      "ca", \HTTPSource.certificateAuthorities,
      "A PEM file of certificate authorities to trust instead of the system's.")
  }

  package var url: WebURL?
  package var live = false
  package var stall = Duration.seconds(30)
  package var headers: [HeaderLine] = []
  package var certificateAuthorities: Path?
  private var download: Download?

  package init() {}

  package var output: ByteStreamType { ByteStreamType(liveness: live ? .live : .finite) }
  package var subject: String { url?.redacted ?? "the download" }

  package func needs(_ context: StageContext) -> [Need]? {
    certificateAuthorities.map { [.readableFile(context.resolve($0))] } ?? []
  }

  package mutating func open(_ context: StageContext) throws {
    guard let url else { return }
    let download = Download(
      url, headers: HTTPHeaders(headers.map(\.header)), isLive: live, patience: stall,
      certificateAuthorities: certificateAuthorities.map(context.resolve), context)
    self.download = download
    download.start()
  }

  package mutating func read(into bytes: inout ByteBuffer) throws -> SourceProgress {
    try download?.read(into: &bytes) ?? .finished
  }

  package mutating func close() throws -> Bool {
    download?.close()
    return true
  }
}

/// A download. When it breaks, a live one is begun again, and a file gone on with.
private final class Download: Sendable {
  /// What may wait for the audio thread before the server is made to wait.
  private static let limit = 256 << 10
  /// How often in a row a file that brings nothing more is asked for once more.
  private static let resumptions = 5

  private struct State {
    var stream: (any HTTPStream)?
    var bytes: [UInt8] = []
    var taken = 0
    var isPaused = false
    var icy: ICYStream?
    var isAccepted = false
    var end: Result<Void, StageError>?
    /// Where in `bytes` the sound of the next connection begins, once there is one.
    var beginning: Int?
    var isClosed = false
    var backOff = BackOff(.seconds(1), upTo: .seconds(30))
    /// Counts connections: what an old one still says is not heard.
    var attempt = 0
    var lastByte = Instant(nanoseconds: 0)
    /// How long the program had not run by then.
    var absence = Duration.zero
    /// What is there of a file, and what tells that the rest is of the same one; nil when the server cannot give a part of it.
    var received = 0
    var validator: String?
    var resumptions = 0
  }

  private let url: WebURL
  /// The user's own.
  private let headers: HTTPHeaders
  private let isLive: Bool
  /// A connection that brings nothing for this long is broken.
  private let patience: Duration
  private let certificateAuthorities: String?
  private let context: StageContext
  private let state = Mutex(State())

  init(
    _ url: WebURL, headers: HTTPHeaders, isLive: Bool, patience: Duration,
    certificateAuthorities: String?, _ context: StageContext
  ) {
    self.url = url
    self.headers = headers
    self.isLive = isLive
    self.patience = patience
    self.certificateAuthorities = certificateAuthorities
    self.context = context
  }

  func start() {
    let started = state.withLock { state -> (attempt: Int, rest: HTTPHeaders)? in
      guard !state.isClosed else { return nil }
      state.attempt += 1
      state.isAccepted = false
      state.icy = nil
      state.isPaused = false
      state.lastByte = context.clock.now()
      state.absence = context.loop.absence
      guard !isLive, state.received > 0, let validator = state.validator else { return (state.attempt, []) }
      let rest: HTTPHeaders = [
        HTTPHeader("Range", "bytes=\(state.received)-"), HTTPHeader("If-Range", validator),
      ]
      return (state.attempt, rest)
    }
    guard let (attempt, rest) = started else { return }
    var usual: HTTPHeaders = [
      HTTPHeader("User-Agent", "fluxgraph/\(FluxGraphVersion.text)"), HTTPHeader("Icy-MetaData", "1"),
    ]
    usual.removeAll { headers[$0.name] != nil }
    let stream = context.http.download(
      url.text, headers: usual + headers + rest, certificateAuthorities: certificateAuthorities
    ) { [weak self] event in
      self?.handle(event, attempt)
    }
    let isClosed = state.withLock { state in
      state.stream = stream
      return state.isClosed
    }
    if isClosed { stream.cancel() }
    watch(attempt)
  }

  // MARK: - The loop

  private func handle(_ event: HTTPStreamEvent, _ attempt: Int) {
    guard state.withLock({ $0.attempt == attempt && !$0.isClosed }) else { return }
    switch event {
    case .response(let status, let headers): respond(status, headers)
    case .body(let bytes): take(bytes)
    case .finished(let failure): finish(failure)
    }
  }

  private func respond(_ status: Int, _ headers: HTTPHeaders) {
    let isResumed = !isLive && state.withLock { $0.received } > 0
    guard (200..<300).contains(status) else {
      let isPassing = status == 408 || status == 429 || status >= 500
      return end(
        StageError(.unavailable, "\(url.redacted) answered \(status)\(remark(status))"),
        mayRestart: (isLive || isResumed) && isPassing)
    }
    if isResumed {
      let place = headers["content-range"].flatMap { Int($0.dropFirst(6).prefix { $0.isNumber }) }
      guard status == 206, place == state.withLock({ $0.received }) else {
        return end(
          StageError(.unavailable, "\(url.redacted) broke off, and is another file by now"), mayRestart: false
        )
      }
    } else if headers["accept-ranges"]?.lowercased() == "bytes" {
      // A weak tag does not promise the same bytes (RFC 9110 §13.1.5).
      let tag = headers["etag"].flatMap { $0.hasPrefix("W/") ? nil : $0 }
      state.withLock { $0.validator = tag ?? headers["last-modified"] }
    }
    let interval = headers["icy-metaint"].flatMap { Int($0) } ?? 0
    state.withLock { state in
      state.isAccepted = true
      if (1...(1 << 24)).contains(interval) { state.icy = ICYStream(interval: interval) }
    }
  }

  /// Redirects that lead somewhere have been followed; a proxy may be who answered.
  private func remark(_ status: Int) -> String {
    if (300..<400).contains(status) { return ": it redirects, without saying where to" }
    return context.http.intermediary(for: url.text).map { ", through the \($0)" } ?? ""
  }

  private func take(_ bytes: UnsafeRawBufferPointer) {
    let now = context.clock.now()
    let (title, stream) = state.withLock { state -> (String?, (any HTTPStream)?) in
      guard state.isAccepted, state.end == nil else { return (nil, nil) }
      state.lastByte = now
      state.absence = context.loop.absence
      state.backOff.reset()
      state.resumptions = 0
      state.received += bytes.count
      var title: String?
      if var icy = state.icy {
        title = icy.take(bytes) { state.bytes.append(contentsOf: $0) }
        state.icy = icy
      } else {
        state.bytes.append(contentsOf: bytes)
      }
      guard state.bytes.count - state.taken > Self.limit, !state.isPaused else { return (title, nil) }
      state.isPaused = true
      return (title, state.stream)
    }
    stream?.pause()
    if let title {
      context.notice(
        Notice("title", "now: \(title.excerpt())", details: [("title", .string(title))]))
    }
    context.wake()
  }

  private func finish(_ failure: NetworkFailure?) {
    if let failure {
      end(
        StageError(.unavailable, "\(url.redacted): \(failure.message)"),
        mayRestart: failure.isTransient)
    } else if isLive {
      end(StageError(.unavailable, "\(url.redacted) ended the stream"), mayRestart: true)
    } else {
      state.withLock { $0.end = $0.end ?? .success(()) }
      context.wake()
    }
  }

  private func end(_ error: StageError, mayRestart: Bool) {
    let (stream, pause) = state.withLock { state -> ((any HTTPStream)?, Duration?) in
      defer { state.stream = nil }
      // Nothing the connection says from here on counts.
      state.attempt += 1
      // What a file brought is gone on with; one that never came is told at once.
      let canResume =
        state.received > 0 && state.validator != nil && state.icy == nil
        && state.resumptions < Self.resumptions
      state.resumptions += 1
      guard mayRestart, isLive || canResume else {
        state.end = state.end ?? .failure(error)
        return (state.stream, nil)
      }
      return (state.stream, state.backOff.next())
    }
    stream?.cancel()
    if let pause {
      context.notice(
        Notice(
          "reconnecting", "\(error.message); connecting again in \(pause.unitText)", severity: .warning))
      _ = context.loop.schedule(at: context.clock.now().advanced(by: pause)) { [weak self] in
        self?.restart()
      }
    }
    context.wake()
  }

  private func restart() {
    state.withLock { state in
      guard isLive else { return }
      if let beginning = state.beginning {
        // The audio thread has not come to the connection before this one at all.
        state.bytes.removeSubrange(beginning...)
      } else {
        state.beginning = state.bytes.count
      }
    }
    start()
  }

  /// A connection may be open and dead.
  private func watch(_ attempt: Int) {
    let now = context.clock.now()
    let absence = context.loop.absence
    let last = state.withLock { state -> Instant? in
      guard state.attempt == attempt, !state.isClosed else { return nil }
      // Time in which the program did not run is not the server's silence.
      return state.lastByte.advanced(by: absence - state.absence)
    }
    guard let last else { return }
    if now.duration(since: last) >= patience, !state.withLock({ $0.isPaused }) {
      return end(
        StageError(.unavailable, "\(url.redacted) has sent nothing for \(patience.unitText)"),
        mayRestart: true)
    }
    _ = context.loop.schedule(at: max(now.advanced(by: .seconds(1)), last.advanced(by: patience))) {
      [weak self] in self?.watch(attempt)
    }
  }

  // MARK: - The audio thread

  func read(into bytes: inout ByteBuffer) throws -> SourceProgress {
    var progress = SourceProgress.waiting
    var failure: StageError?
    var resumed: (any HTTPStream)?
    let wasFree: Void? = state.withLockIfAvailable { state in
      // A decoder that was given a byte of the next connection before it was begun anew would take it for the old one's.
      let end = state.beginning ?? state.bytes.count
      if state.taken < end {
        bytes.append { room in
          let count = min(room.count, end - state.taken)
          room.copyBytes(from: state.bytes[state.taken..<(state.taken + count)])
          state.taken += count
          return count
        }
        // A server that is always a little ahead would otherwise have everything it ever sent kept.
        if state.taken == state.bytes.count || state.taken >= Self.limit {
          state.bytes.removeFirst(state.taken)
          state.beginning = state.beginning.map { $0 - state.taken }
          state.taken = 0
        }
        if state.isPaused, state.bytes.count - state.taken < Self.limit / 4 {
          state.isPaused = false
          // What was held back here is no silence of the server.
          state.lastByte = context.clock.now()
          state.absence = context.loop.absence
          resumed = state.stream
        }
        progress = .produced
      } else if state.beginning != nil {
        state.beginning = nil
        progress = .restarted
      } else if let end = state.end {
        progress = .finished
        if case .failure(let error) = end { failure = error }
      }
    }
    // The loop has it for as long as it takes to copy what came.
    if wasFree == nil { context.wake() }
    resumed?.resume()
    if let failure { throw failure }
    return progress
  }

  func close() {
    let stream = state.withLock { state in
      state.isClosed = true
      return state.stream
    }
    stream?.cancel()
  }
}
