/// Decides which connect begins next: first come, first served within a host, hosts in turn, and only so many
/// begun and unfinished per host, so that a dead host holds up nobody but itself.
struct ConnectThrottle<ID: Hashable> {
  private struct Host {
    var inFlight = 0
    var waiting: [ID] = []
    var isInTurn = false
  }

  let limitPerHost: Int
  private var hosts: [String: Host] = [:]
  /// Hosts with somebody waiting and a place free, in the order of their turns.
  private var turns: [String] = []

  init(limitPerHost: Int) {
    self.limitPerHost = limitPerHost
  }

  var canBegin: Bool { !turns.isEmpty }

  mutating func enqueue(_ id: ID, host: String) {
    hosts[host, default: Host()].waiting.append(id)
    takeTurn(host)
  }

  /// The connect to begin now; it counts as in flight until ``finish(host:)``.
  mutating func next() -> ID? {
    guard !turns.isEmpty else { return nil }
    let name = turns.removeFirst()
    guard var host = hosts[name], !host.waiting.isEmpty else { return nil }
    let id = host.waiting.removeFirst()
    host.inFlight += 1
    host.isInTurn = false
    hosts[name] = host
    takeTurn(name)
    return id
  }

  /// Takes back a connect that has not begun.
  mutating func withdraw(_ id: ID, host name: String) {
    guard var host = hosts[name], let index = host.waiting.firstIndex(of: id) else { return }
    host.waiting.remove(at: index)
    if host.waiting.isEmpty && host.isInTurn {
      host.isInTurn = false
      turns.removeAll { $0 == name }
    }
    hosts[name] = host.waiting.isEmpty && host.inFlight == 0 ? nil : host
  }

  /// A connect of this host that had begun succeeded, failed or was given up.
  mutating func finish(host name: String) {
    guard var host = hosts[name] else { return }
    host.inFlight -= 1
    hosts[name] = host.waiting.isEmpty && host.inFlight == 0 ? nil : host
    takeTurn(name)
  }

  private mutating func takeTurn(_ name: String) {
    guard var host = hosts[name], !host.isInTurn, !host.waiting.isEmpty, host.inFlight < limitPerHost else {
      return
    }
    host.isInTurn = true
    hosts[name] = host
    turns.append(name)
  }
}
