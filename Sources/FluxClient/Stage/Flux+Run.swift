package import FluxGraph
internal import FluxProtocol

extension Flux: LoopRecogniser {
  package mutating func begin(
    _ audio: AudioInlet, into events: EventOutlet, _ context: StageContext,
    ended: @escaping @Sendable ((any Error)?) -> Void
  ) async throws -> @Sendable () -> Void {
    let dialer = try await dialer(context)
    var generator = SystemRandomNumberGenerator()
    let identifier = sessionIdentifier(&generator)
    let streams = streams(of: audio.format)
    let format = AudioFormat(audio.format.sample, rate: audio.format.rate, channels: 1)
    let sessions = try streams.map { stream in
      try FluxSession(
        format: format, events: events, context: context, dialer: dialer,
        settings: settings(rate: format.rate, liveness: audio.liveness, seed: generator.next()), name: stream,
        identifier: streams.count > 1 ? "\(identifier)-\(stream ?? "")" : identifier)
    }
    let backlog = context.metrics.gauge("backlog_seconds", "Audio that waits to be sent to the service.")
    let run = FluxRun(
      sessions, FluxInput(audio, loop: context.loop, sessions: sessions), backlog: backlog)
    context.onCommand { command in run.command(command) }
    context.loop.execute { run.start(ended) }
    return { [weak run, loop = context.loop] in loop.execute { [weak run] in run?.cancel() } }
  }

  /// The names of the streams, one for each session: nil without a name.
  private func streams(of format: AudioFormat) -> [String?] {
    guard channels == .split, format.channels > 1 else { return [name] }
    let labels = format.channels == 2 ? ["left", "right"] : (1...format.channels).map { String($0) }
    return labels.map { label in name.map { "\($0)-\(label)" } ?? label }
  }

  func settings(rate: Int, liveness: Liveness, seed: UInt64) -> FluxSessionSettings {
    var settings = FluxSessionSettings(
      host: endpoint.title, parameters: parameters, dialect: dialect, liveness: liveness,
      resume: resume ?? (liveness == .finite ? .replay : .cut), rate: rate, catchUp: catchUp.factor,
      filter: TurnFilter(minimumWords: minimumWords, minimumConfidence: minimumConfidence), seed: seed)
    settings.encoding = encoding.transport
    settings.limits.connect = connectTimeout
    settings.limits.blockedSend = sendTimeout
    settings.limits.pause = pauseSilence
    settings.limits.stall = stallTimeout
    settings.limits.danglingTurn = turnTimeout
    settings.limits.retry = retryLimit
    settings.limits.attempts = maximumAttempts
    settings.limits.audio = maximumDuration
    settings.limits.buffer = buffer
    return settings
  }

  private func dialer(_ context: StageContext) async throws -> FluxDialer {
    var dialer = FluxDialer(base: try await address(context))
    dialer.dialect = dialect
    dialer.headers = HTTPHeaders(headers.map(\.header))
    dialer.certificateAuthorities = certificateAuthorities.map(context.resolve)
    dialer.connectTimeout = connectTimeout
    dialer.pingInterval = ping > .zero ? ping : nil
    let key = try checkedKey(context.environment)
    dialer.authorize(key: key, token: token, asSubprotocol: authorization == .subprotocol)
    return dialer
  }

  /// The key that is shown to the service: the graph's own, or else the one everyone's tools use, which is never sent to a service
  /// the user named by URL and gave no key for, nor to the local one.
  /// - Throws: `StageError` with code `refused` when there is none for a service that wants one, or one that cannot be sent.
  @discardableResult
  package func checkedKey(_ environment: (String) -> String?) throws(StageError) -> Secret? {
    for (holder, secret) in [("the key", key), ("the token", token)] {
      if let secret, let problem = SecretProblem(secret.reveal(), for: .key) {
        throw problem.failure("\(holder) for \(endpoint.title)")
      }
    }
    if key != nil || token != nil || !endpoint.needsKey { return key }
    let variable = "DEEPGRAM_API_KEY"
    guard let text = environment(variable) else {
      throw StageError(
        .refused, "there is no key for \(endpoint.title)",
        help: "Set \(variable), or write it into a .env file, or give `key=env(NAME)`; "
          + "`endpoint=local` goes on without one.")
    }
    if let problem = SecretProblem(text, for: .key) { throw problem.failure(variable) }
    return Secret(text)
  }

  private func address(_ context: StageContext) async throws -> String {
    if let address = endpoint.address { return address }
    guard let local = context.resource(LocalFlux.self) else {
      throw StageError(.unavailable, "this program has no local Flux built in")
    }
    return try await local.start(localOptions(context))
  }

  private func localOptions(_ context: StageContext) -> LocalFlux.Options {
    .init(
      words: words, fault: fault, directory: context.directory, environment: context.childEnvironment,
      notice: { context.notice($0) })
  }

  package func needs(_ context: StageContext) -> [Need]? {
    var needs = certificateAuthorities.map { [Need.readableFile(context.resolve($0))] } ?? []
    if key != nil || token != nil || endpoint.needsKey {
      needs.append(
        Need { () throws(StageError) in
          try checkedKey(context.environment)
          return key == nil && token == nil ? "DEEPGRAM_API_KEY is set" : "there is a key"
        })
    }
    if endpoint == .local, let local = context.resource(LocalFlux.self) {
      needs += local.needs(localOptions(context))
    }
    return needs
  }

  /// What `check` says of the bill; nil for a service that sends none. How long an input is, only opening it would tell.
  package var billing: String? {
    if endpoint == .local { return nil }
    let each = channels == .split ? ", for each channel" : ""
    if let maximumDuration {
      return "billed by the minute of audio, at most \(maximumDuration.unitText)\(each)"
    }
    return "billed by the minute of audio\(each); `max_duration=` sets a limit"
  }
}

/// A new identifier for a session: 128 random bits as hexadecimal digits.
private func sessionIdentifier(_ generator: inout SystemRandomNumberGenerator) -> String {
  [generator.next() as UInt64, generator.next()].map { bits in
    let text = String(bits, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }.joined()
}
