internal import FluxGraph
internal import FluxProtocol

/// Why settings given by a command cannot be taken; one plain sentence.
struct ConfigureCommandError: Error, CustomStringConvertible {
  let description: String
}

extension ConfigureRequest {
  /// Settings a connection can be asked to change, by the names of the options.
  static let names = [
    "eot_threshold", "eager_eot_threshold", "eot_timeout", "keyterm", "language_hint", "numerals",
  ]

  /// The change that settings ask for. `keyterm` and `language_hint` may come several times; an empty value clears the list.
  init(_ settings: [StageCommand.Setting]) throws(ConfigureCommandError) {
    self.init()
    for setting in settings {
      let value = setting.value
      switch setting.name {
      case "eot_threshold": endOfTurnThreshold = try Self.number(setting)
      case "eager_eot_threshold":
        if value == "off" || value.isEmpty {
          throw ConfigureCommandError(
            description: "eager_eot_threshold cannot be switched off within a connection: restart the graph")
        }
        eagerEndOfTurnThreshold = try Self.number(setting)
      case "eot_timeout":
        guard let duration = try? Duration.parse(.word(value)) else {
          throw ConfigureCommandError(description: "eot_timeout wants a duration, such as 5s")
        }
        endOfTurnTimeout = Int((min(max(0, duration.seconds), 1e6) * 1000).rounded())
      case "eot_timeout_ms":
        guard let milliseconds = Int(value) else {
          throw ConfigureCommandError(description: "eot_timeout_ms wants a whole number of milliseconds")
        }
        endOfTurnTimeout = milliseconds
      case "keyterm": keyterms = (keyterms ?? []) + (value.isEmpty ? [] : [value])
      case "language_hint": languageHints = (languageHints ?? []) + (value.isEmpty ? [] : [value])
      case "numerals":
        guard value == "true" || value == "false" else {
          throw ConfigureCommandError(description: "numerals wants true or false")
        }
        numerals = value == "true"
      default: throw Self.unknown(setting.name)
      }
    }
  }

  private static func number(_ setting: StageCommand.Setting) throws(ConfigureCommandError) -> Double {
    guard let number = FluxParameter.decimal(setting.value) else {
      throw ConfigureCommandError(description: "\(setting.name) wants a number, such as 0.8")
    }
    return number
  }

  private static func unknown(_ name: String) -> ConfigureCommandError {
    if FluxParameter.named(name) != nil {
      return ConfigureCommandError(
        description: "\(name) cannot be changed within a connection: change the graph and restart it")
    }
    return ConfigureCommandError(
      description: "there is no setting \(name); there are \(names.joined(separator: ", "))")
  }
}
