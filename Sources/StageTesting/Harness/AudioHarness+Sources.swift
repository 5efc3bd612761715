public import FluxGraph

extension AudioHarness {
  /// Reads a source to its end, or until it has nothing to give, in buffers of these many frames, over and over.
  public static func run(
    _ source: some AudioSource, cuts: [Int] = [512], context: StageContext? = nil
  ) throws -> Output {
    var source = source
    let format = try source.open(context ?? TestWorld().context())
    var output = Output(format: format, bytes: [], pieces: [])
    var turn = 0
    while true {
      var block = AudioBuffer(format: format, capacity: max(1, cuts[turn % cuts.count]))
      turn += 1
      guard try source.read(into: &block) == .produced else { return output }
      output.append(block)
    }
  }
}
