/// What a stage is told when it waits no longer for files: the operation that was begun has not come back, and the graph ends.
public struct DiskSilence: Error, Sendable, Hashable, CustomStringConvertible {
  /// The file, where it is known.
  public var path: String?
  /// How long nothing has come back.
  public var time: Duration

  /// - Parameters:
  ///   - path: the file, where it is known.
  ///   - time: how long nothing has come back.
  public init(path: String?, time: Duration) {
    self.path = path
    self.time = time
  }

  /// As a sentence begins: "/mnt/nas/a.jsonl has not answered for 7 s".
  public var description: String {
    "\(path ?? "the disk") has not answered for \(Int(time.seconds.rounded())) s"
  }

  /// The same as a failure of a stage.
  public var stageError: StageError {
    StageError(
      .inputOutput, description,
      help: "Look whether its file system is mounted, and whether its server or device can be reached.")
  }
}
