public import FluxGraph

/// The stage `via`: audio through a program that is there already and serves many, at a Unix socket, as `through` sends it through
/// one that is started for it.
public struct SocketRelay: AudioRelay {
  public static let description = StageDescription<SocketRelay>(
    "via", "Sends audio through a program that listens at a Unix socket.",
    details: """
      The program gets 16-bit samples without a header, in the rate and channels that come in, and gives back as many or as few \
      of the same kind as it likes, until it has read the end.
      """,
    examples: [
      "file call.wav | via /run/denoise.sock | flux | stdout",
      "mic | resample 48k | via path=denoise.sock | wav clean.wav",
    ]
  ) {
    Option("path", \SocketRelay.path, "The socket.", positional: true, required: true)
  }

  public var path = Path("")
  private var socket: UnixSocket?
  private var context: StageContext?
  /// Bytes of the first frame that have been written already.
  private var written = 0
  /// What has come of a frame that is not whole yet.
  private var part: [UInt8] = []
  private var partCount = 0
  private var refusesInput = false

  public init() {}

  public var accepts: AudioRequirement { AudioRequirement(sample: .s16le) }

  public func output(for input: AudioStreamType) -> AudioStreamType {
    var output = input
    output.chunk = nil
    return output
  }

  public mutating func prepare(input: AudioFormat, _ context: StageContext) throws -> AudioFormat {
    self.context = context
    socket = try UnixSocket(context.resolve(path))
    part = [UInt8](repeating: 0, count: input.bytesPerFrame)
    return input
  }

  public mutating func write(_ input: inout AudioBuffer) throws {
    guard let socket, let context else { return }
    while !input.isEmpty && !refusesInput {
      let progress = try input.withBytes { (bytes) throws(StageError) in
        try socket.write(UnsafeRawBufferPointer(rebasing: bytes[written...]))
      }
      switch progress {
      case .bytes(let count):
        let whole = (written + count).quotientAndRemainder(dividingBy: part.count)
        input.removeFirst(whole.quotient)
        written = whole.remainder
      case .wouldBlock: return context.wakeWhenWritable(socket.number)
      case .ended: refusesInput = true
      }
    }
    // What the program still gives is all there will be.
    if refusesInput { input.removeAll() }
  }

  public mutating func endInput() throws { socket?.endWriting() }

  public mutating func read(into output: inout AudioBuffer) throws -> SourceProgress {
    guard let socket, let context else { return .finished }
    var progress = UnixSocket.Progress.ended
    try output.append { (room) throws(StageError) in
      // Whole frames, the first of which has begun already.
      for index in 0..<partCount { room[index] = part[index] }
      let end = room.count / part.count * part.count
      progress = try socket.read(into: UnsafeMutableRawBufferPointer(rebasing: room[partCount..<end]))
      guard case .bytes(let count) = progress else { return 0 }
      let whole = (partCount + count).quotientAndRemainder(dividingBy: part.count)
      partCount = whole.remainder
      for index in 0..<partCount { part[index] = room[whole.quotient * part.count + index] }
      return whole.quotient
    }
    if !output.isEmpty { return .produced }
    if case .ended = progress { return .finished }
    context.wakeWhenReadable(socket.number)
    return .waiting
  }

  public mutating func close() throws -> Bool {
    socket = nil
    return true
  }
}
