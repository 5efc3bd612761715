import Foundation
import Testing

/// The program under test, as a user starts it.
enum Fluxgraph {
  static let path =
    ProcessInfo.processInfo.environment["FLUXGRAPH_BINARY"]
    ?? Peers.packageRoot.appending(path: ".build/debug/fluxgraph").path

  /// What on the machine of the tests could change what the program does.
  private static let neutral: [String: String?] = {
    let proxies = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]
    let authorities = ["CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"]
    let names = ["DEEPGRAM_API_KEY"] + authorities + proxies + proxies.map { $0.uppercased() }
    return Dictionary(uniqueKeysWithValues: names.map { ($0, nil) }).merging(["NO_COLOR": "1"]) { $1 }
  }()

  static func surroundings(
    _ environment: [String: String] = [:], directory: String? = nil, input: [UInt8] = [],
    holdsInput: Bool = false, limit: Double = 120
  ) -> Program.Surroundings {
    Program.Surroundings(
      input: input, holdsInput: holdsInput, environment: neutral.merging(environment.mapValues { $0 }) { $1 },
      directory: directory, limit: limit)
  }

  /// Runs a command to its end.
  static func command(
    _ arguments: [String], environment: [String: String] = [:], directory: String? = nil, input: [UInt8] = []
  ) async throws -> Program.Outcome {
    let outcome = try await Program.run(
      path, arguments, surroundings(environment, directory: directory, input: input))
    #expect(!outcome.wasLate, "it did not end: \(arguments)\n\(outcome.errors)")
    return outcome
  }

  /// Runs a graph, given as text, to its end.
  static func run(
    _ graph: String, _ options: [String] = [], environment: [String: String] = [:], directory: String? = nil,
    input: [UInt8] = []
  ) async throws -> Program.Outcome {
    try await command(
      ["run"] + options + ["-e", graph], environment: environment, directory: directory, input: input)
  }

  /// Starts a graph.
  static func start(_ graph: String, holdsInput: Bool = false, directory: String? = nil) throws -> Program {
    try Program(path, ["run", "-e", graph], surroundings(directory: directory, holdsInput: holdsInput))
  }
}

extension Program.Outcome {
  /// The events it printed as JSON lines.
  func events() throws -> [Event] {
    try output.split(separator: "\n").map { line in
      try JSONDecoder().decode(Event.self, from: Data(line.utf8))
    }
  }

  /// The fields of an event the tests ask for.
  struct Event: Decodable, Equatable {
    var event: String
    var turn: Int
    var final: Bool?
    var trigger: String?
    var start: Double
    var end: Double
    var transcript: String
  }

  /// Expects the exit code and exactly one line that says why.
  func expectFailure(
    _ status: Int32, saying parts: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(self.status == status, "\(errors)", sourceLocation: sourceLocation)
    #expect(errorLines.count == 1, "\(errors)", sourceLocation: sourceLocation)
    for part in parts {
      #expect(
        errorLines.first?.contains(part) == true, "no “\(part)” in \(errors)", sourceLocation: sourceLocation)
    }
    expectNoCrash(sourceLocation: sourceLocation)
  }

  /// A sentence for the user is no trace of a crash.
  func expectNoCrash(sourceLocation: SourceLocation = #_sourceLocation) {
    for trace in ["Fatal error", "Thread 0", "backtrace", " at /", "Stack dump", "Optional("] {
      #expect(!errors.contains(trace), "\(errors)", sourceLocation: sourceLocation)
    }
    #expect(status < 128 || status == 130, "it crashed: \(errors)", sourceLocation: sourceLocation)
  }
}
