/// Something the loop keeps alive and ends when it stops.
protocol LoopOwned: AnyObject {
  func loopStops()
}

/// What the loop has to do before it may wait again, and what it keeps alive. Loop thread only.
struct Agenda {
  /// Connects that wait for their turn.
  var connects = ConnectThrottle<ObjectIdentifier>(limitPerHost: 16)
  var waitingConnects: [ObjectIdentifier: ByteConnection] = [:]
  /// Transfers that wait for their turn.
  var transfers: [HTTPTransfer] = []
  /// Connections whose turn ended before their input did. TLS may hold bytes that epoll does not announce.
  var readers: [ByteConnection] = []
  /// Connections with something to send.
  var senders: [ByteConnection] = []
  /// Connections that ended and have not told so.
  var closed: [ByteConnection] = []
  /// Transfers with something to deliver.
  var deliveries: [HTTPTransfer] = []

  var owned: [ObjectIdentifier: any LoopOwned] = [:]

  var isEmpty: Bool {
    readers.isEmpty && senders.isEmpty && closed.isEmpty && deliveries.isEmpty && transfers.isEmpty
      && !connects.canBegin
  }

  mutating func own(_ object: any LoopOwned) {
    owned[ObjectIdentifier(object)] = object
  }

  mutating func disown(_ object: any LoopOwned) {
    owned[ObjectIdentifier(object)] = nil
  }
}

extension EventLoop {
  /// Begins one connect and one transfer. Beginning hundreds in one turn would hold up live streams by tens of
  /// milliseconds, more with TLS.
  func beginNext() {
    if let id = agenda.connects.next(), let connection = agenda.waitingConnects.removeValue(forKey: id) {
      connection.beginConnect()
    }
    if !agenda.transfers.isEmpty { agenda.transfers.removeFirst().begin() }
  }

  /// Does what is on the agenda now; what the callbacks add waits for the next turn.
  func runAgenda() {
    if !agenda.deliveries.isEmpty {
      for transfer in agenda.deliveries.takeAll() { transfer.deliver() }
    }
    if !agenda.readers.isEmpty {
      for connection in agenda.readers.takeAll() { connection.continueReading() }
    }
    if !agenda.senders.isEmpty {
      for connection in agenda.senders.takeAll() { connection.sendQueued() }
    }
    if !agenda.closed.isEmpty {
      for connection in agenda.closed.takeAll() { connection.tellClosed() }
    }
  }
}

extension Array {
  /// Empties the array and returns what it held.
  mutating func takeAll() -> [Element] {
    let all = self
    self = []
    return all
  }
}
