/// The path of a recording, or of captions beside it: a template that knows `{date}`, `{clock}`, `{start}` and `{stream}`.
public struct RecordingPath: Sendable {
  /// The fields there are.
  public static let fields = ["date", "clock", "start", "stream"]

  private let template: PathTemplate
  /// When the stream began.
  private let began: WallTime

  /// The paths of a stream that began at a time.
  public init(_ template: PathTemplate, began: WallTime) {
    self.template = template
    self.began = began
  }

  /// Whether each stream has a file of its own.
  public var namesStream: Bool { template.template.fieldNames.contains("stream") }

  /// The path of the file that begins so many seconds into the stream.
  public func path(start: Double, stream: String) -> Path {
    let time = WallTime(seconds: began.seconds + start).local
    return template.rendered { field in
      switch field {
      case "date": .text(time.date)
      case "clock": .text(time.clock)
      case "start": .number((start * 1000).rounded() / 1000)
      case "stream": .text(stream)
      default: nil
      }
    }
  }

  /// What the first file needs.
  public func needs(overwrite: Bool, _ context: StageContext) -> [Need] {
    guard !namesStream else {
      // Who speaks is known when he does.
      let known = template.template.source.prefix { $0 != "{" }
      return [.writableDirectory(directory(of: context.resolve(Path(known + "x"))))]
    }
    return [.newFile(context.resolve(path(start: 0, stream: context.name)), overwrite: overwrite)]
  }

  /// What is wrong with a template; nil when nothing is.
  /// - Parameter thing: what the file is, with an article: "a recording".
  public static func conflict(in template: PathTemplate, of thing: String) -> OptionConflict? {
    guard let field = template.template.fieldNames.first(where: { !fields.contains($0) }) else { return nil }
    return OptionConflict(
      code: "unknown-field", "\(thing) has no field `\(field)`", options: ["path"],
      help: "there are {date}, {clock}, {start} and {stream}")
  }
}
