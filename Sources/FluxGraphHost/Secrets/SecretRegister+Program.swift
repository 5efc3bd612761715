package import FluxGraph
internal import Glibc

extension SecretRegister {
  /// What the program's commands know to be secret: all that they write goes through it.
  package static let program = SecretRegister()

  /// Takes note of what is secret whatever a graph says: Deepgram's key, and the passwords of proxies.
  func learn(from environment: GraphEnvironment) {
    if let key = environment["DEEPGRAM_API_KEY"] { add(Secret(key)) }
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
      for name in [name, name.uppercased()] {
        // Programs a graph starts need their way to the network, too.
        guard let value = getenv(name).map({ String(cString: $0) }) else { continue }
        add(addressesIn: value.contains("://") ? value : "http://" + value, isWithheld: false)
      }
    }
  }
}
