import CCurl

/// libcurl's cache of a few byte pipes. Loop thread only.
///
/// libcurl finds the connection behind a `CONNECT_ONLY` handle by walking through the cache it is in, for every send and
/// receive. In one cache for all, a thousand connections would spend more on that than on what they send.
final class ConnectionCache {
  /// Connections that share a cache; a cache of its own for each would cost some 10 KiB per connection.
  static let capacity = 16

  let handle: UnsafeMutableRawPointer

  /// Nil when there is no memory.
  init?() {
    guard let handle = curl_share_init() else { return nil }
    guard CCurl_share_connections(handle) == CURLSHE_OK else {
      curl_share_cleanup(handle)
      return nil
    }
    self.handle = handle
  }

  deinit {
    curl_share_cleanup(handle)
  }
}

/// Hands out a cache to each new connection, the same one to ``ConnectionCache/capacity`` of them.
struct ConnectionCaches {
  private var current: ConnectionCache?
  private var room = 0

  mutating func next() -> ConnectionCache? {
    if room == 0 {
      current = ConnectionCache()
      room = ConnectionCache.capacity
    }
    room -= 1
    return current
  }
}
