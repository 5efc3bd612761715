package import FluxGraph
internal import FoundationEssentials

/// The secrets a webhook is signed with: one, or several while they are being changed.
package struct SigningSecrets: OptionValue, Hashable {
  package var secrets: [Secret] = []

  package static var optionType: OptionType { .secret }

  package static func parse(_ value: GraphValue) throws(OptionError) -> SigningSecrets {
    guard case .list(let values) = value else { return SigningSecrets(secrets: [try Secret.parse(value)]) }
    var secrets: [Secret] = []
    for value in values { secrets.append(try Secret.parse(value)) }
    return SigningSecrets(secrets: secrets)
  }

  package var graphText: String? { secrets.isEmpty ? nil : "•••" }
}

/// Signs webhooks as Standard Webhooks 1.0.0 prescribes (standardwebhooks.com).
struct WebhookSigner: Sendable {
  private let keys: [[UInt8]]

  /// - Throws: `StageError` for a secret that is not base64 with or without `whsec_` before it, or not of 24 to 64 bytes.
  init(_ secrets: SigningSecrets) throws(StageError) {
    var keys: [[UInt8]] = []
    for secret in secrets.secrets {
      let text = secret.reveal()
      let encoded = text.hasPrefix("whsec_") ? String(text.dropFirst(6)) : text
      guard let key = Data(base64Encoded: encoded), (24...64).contains(key.count) else {
        throw StageError(
          .badGraph, "a signing secret of the webhook is not one of Standard Webhooks",
          help: "It is `whsec_` and the base64 of 24 to 64 random bytes.")
      }
      keys.append(Array(key))
    }
    self.keys = keys
  }

  /// The headers of one attempt to deliver a message.
  func headers(id: String, body: [UInt8], at time: WallTime) -> HTTPHeaders {
    let timestamp = String(Int(time.seconds))
    var headers: HTTPHeaders = [HTTPHeader("webhook-id", id), HTTPHeader("webhook-timestamp", timestamp)]
    if keys.isEmpty { return headers }
    let content = Array("\(id).\(timestamp).".utf8) + body
    let signatures = keys.map { key in
      "v1," + Data(SHA256.authenticationCode(content, key: key)).base64EncodedString()
    }
    headers.append(HTTPHeader("webhook-signature", signatures.joined(separator: " ")))
    return headers
  }

  /// An identifier of an event that is the same for every attempt, in every run.
  static func id(of event: Event) -> String {
    var parts: [String] = []
    for name in ["session", "turn", "event", "flux.request_id", "flux.sequence_id", "end", "time", "message"]
    {
      parts.append(event.value(of: name)?.description ?? "")
    }
    return identifier(of: parts)
  }

  /// An identifier that follows from these texts alone.
  static func identifier(of parts: [String]) -> String {
    "msg_" + Array(SHA256.hash(Array(parts.joined(separator: "\u{0}").utf8)).prefix(16)).hexadecimal
  }
}
