import Foundation
import Testing

/// A Flux in Python, over its `websockets` package, that does as the client's URL says (Peers/flux.py). One serves all tests.
final class FakeFlux: Sendable {
  static let shared = Task { try await FakeFlux() }

  /// What became of a connection, as the server saw it.
  struct Record: Decodable, Sendable {
    enum Message: Decodable, Equatable, Sendable {
      /// Binary, of that many bytes.
      case audio(Int)
      case text(String)

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self =
          try (try? container.decode(Int.self)).map(Message.audio) ?? .text(container.decode(String.self))
      }
    }

    var path: String
    var headers: [String: String]
    var messages: [Message]
    /// How many messages had come before the server said Connected.
    var connectedAfter: Int?
    var pongs: Int
    /// The close code the client sent.
    var close: Int?

    /// Lengths of the binary messages.
    var audio: [Int] {
      messages.compactMap { if case .audio(let count) = $0 { count } else { nil } }
    }

    /// The text messages behind the first that is not audio, and anything that comes between.
    var ending: [Message] {
      Array(messages.drop { if case .audio = $0 { true } else { false } })
    }
  }

  /// One connection that is to be made.
  struct Call: Sendable {
    /// For `endpoint=`.
    let url: String
    fileprivate let id: String
  }

  let certificates: Certificates
  private let folder: Folder
  private let program: Program
  private let ports: [String: Int]

  private init() async throws {
    folder = try Folder()
    certificates = try await Certificates(in: folder)
    program = try Peers.start("flux.py", [folder.path] + Certificates.servers)
    ports = try JSONDecoder().decode(
      [String: Int].self, from: Data(try await program.line(containing: "plain").utf8))
  }

  /// A scenario of Peers/flux.py.
  func call(
    _ scenario: String, _ parameters: KeyValuePairs<String, Any> = [:], certificate: String = "plain",
    host: String = "127.0.0.1"
  ) -> Call {
    let id = UUID().uuidString
    let more = parameters.map { name, value in
      let text = "\(value)".addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
      return "&\(name)=\(text)"
    }
    let url =
      "\(certificate == "plain" ? "ws" : "wss")://\(host):\(ports[certificate] ?? 0)/v2/listen"
      + "?scenario=\(scenario)&id=\(id)" + more.joined()
    return Call(url: url, id: id)
  }

  /// What the server saw, once it is over.
  func record(of call: Call) async throws -> Record {
    _ = try await program.line(containing: "done \(call.id)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Record.self, from: folder.bytes(of: "\(call.id).json"))
  }

  /// The audio the server got.
  func audio(of call: Call) throws -> Data {
    try folder.bytes(of: "\(call.id).raw")
  }
}

/// Certificates made by the `openssl` program.
struct Certificates: Sendable {
  /// Of a private authority: for localhost, for another name, expired; and one of no authority.
  static let servers = ["good", "other", "expired", "alone"]

  let authority: String
  private let folder: Folder

  /// A file of the certificates: `good.pem`, or its key, `good-key.pem`.
  func path(_ name: String) -> String { folder.path(name) }

  init(in folder: Folder) async throws {
    self.folder = folder
    authority = folder.path("ca.pem")
    try await Peers.shell(
      """
      key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
      openssl req -x509 $key -keyout ca-key.pem -out ca.pem -days 2 -subj '/CN=Test authority'
      openssl req -x509 $key -keyout alone-key.pem -out alone.pem -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1
      make() {
        openssl req $key -keyout $1-key.pem -out $1.csr -subj "/CN=$2"
        echo "subjectAltName=$3" > $1.ext
        openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days $4 -extfile $1.ext -out $1.pem
      }
      make good localhost DNS:localhost,IP:127.0.0.1 2
      make other elsewhere.test DNS:elsewhere.test 2
      make expired localhost DNS:localhost,IP:127.0.0.1 -1
      """, in: folder.path)
  }
}
