internal import AudioStages
internal import FluxGraph
internal import Platform

/// `fluxgraph devices`: what there is to listen to, each with a line to paste.
struct DevicesCommand {
  struct Arguments: Sendable {
    var isJSON = false
    var isWatching = false
    var server: String?

    init(_ arguments: [String]) throws(UsageError) {
      var reader = ArgumentReader(arguments, known: ["--format", "--watch", "--server"])
      while let argument = reader.next() {
        switch argument {
        case "--format": isJSON = try reader.choice(of: argument, ["text", "json"]) == "json"
        case "--watch": isWatching = true
        case "--server": server = try reader.value(of: argument)
        default:
          throw argument.hasPrefix("-")
            ? reader.unknown(argument) : UsageError("`devices` takes no `\(argument)`")
        }
      }
    }
  }

  private let arguments: Arguments
  private let signals: SignalReader

  init(_ arguments: Arguments, _ signals: SignalReader) {
    self.arguments = arguments
    self.signals = signals
  }

  func run() async throws(StageError) -> ExitCode {
    let devices = try PulseDevices(server: arguments.server)
    let first = try devices.inventory()
    if arguments.isWatching {
      await watch(devices, after: first)
    } else {
      Self.print(first, asJSON: arguments.isJSON)
    }
    return .success
  }

  /// Prints the list anew at every change, until the first signal.
  private func watch(_ devices: PulseDevices, after first: PulseInventory) async {
    let isJSON = arguments.isJSON
    let (changes, feed) = AsyncStream.makeStream(
      of: PulseInventory??.self, bufferingPolicy: .bufferingNewest(1))
    signals.handle { _ in feed.yield(.none) }
    Self.print(first, asJSON: isJSON)
    devices.watch { inventory in feed.yield(.some(inventory)) }
    var printed = first
    // What changed between the first look and the watch.
    if let now = try? devices.inventory(), now != printed {
      Self.print(now, asJSON: isJSON)
      printed = now
    }
    for await change in changes {
      guard let change else { return }
      guard let inventory = change else {
        Terminal.error.write("notice: the sound server has gone; waiting for it\n")
        continue
      }
      guard inventory != printed else { continue }
      if !isJSON { Terminal.output.write("\n") }
      Self.print(inventory, asJSON: isJSON)
      printed = inventory
    }
  }

  private static func print(_ inventory: PulseInventory, asJSON isJSON: Bool) {
    let list = DeviceList(inventory: inventory)
    Terminal.output.write(lines: isJSON ? list.json.serialized + "\n" : list.text)
  }
}
