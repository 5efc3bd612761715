public import FluxGraph

/// The stage `socket`: a sound file, or an endless stream of one, from a program that listens at a Unix socket.
public struct SocketSource: ByteSource {
  public static let description = StageDescription<SocketSource>(
    "socket", "Reads sound from a program that listens at a Unix socket.",
    details:
      "What comes is decoded as a file is. `live` says that it comes in real time, so that it is not slowed down.",
    examples: [
      "socket /run/radio.sock | flux | stdout",
      "socket /run/radio.sock live | decode raw=pcm(s16le, 16k, mono) | wav radio.wav",
    ]
  ) {
    Option("path", \SocketSource.path, "The socket.", positional: true, required: true)
    Option("live", \SocketSource.live, "The sound comes in real time.")
  }

  public var path = Path("")
  public var live = false
  private var socket: UnixSocket?
  private var context: StageContext?

  public init() {}

  /// What the bytes are is found out from them: the checker puts `decode` behind.
  public var output: ByteStreamType { ByteStreamType(liveness: live ? .live : .finite) }
  public var subject: String { path.text }

  public mutating func open(_ context: StageContext) throws {
    self.context = context
    socket = try UnixSocket(context.resolve(path))
  }

  public mutating func read(into bytes: inout ByteBuffer) throws -> SourceProgress {
    guard let socket, let context else { return .finished }
    var progress = UnixSocket.Progress.ended
    try bytes.append { (room) throws(StageError) in
      progress = try socket.read(into: room)
      return if case .bytes(let count) = progress { count } else { 0 }
    }
    switch progress {
    case .bytes: return .produced
    case .ended: return .finished
    case .wouldBlock:
      context.wakeWhenReadable(socket.number)
      return .waiting
    }
  }

  public mutating func close() throws -> Bool {
    socket = nil
    return true
  }
}
