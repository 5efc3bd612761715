import Glibc

/// Starts a joinable thread; `nil` if the system has none left.
func startThread(named name: String, _ body: @escaping @Sendable () -> Void) -> pthread_t? {
  final class Start {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }
  let start = Unmanaged.passRetained(Start(name: name, body: body))
  var thread = pthread_t()
  let failure = pthread_create(
    &thread, nil,
    { argument in
      guard let argument else { return nil }
      let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
      nameThisThread(start.name)
      start.body()
      return nil
    }, start.toOpaque())
  guard failure == 0 else {
    start.release()
    return nil
  }
  return thread
}

/// Names the calling thread for `top` and debuggers; the kernel keeps 15 characters.
///
/// `pthread_setname_np` is a GNU extension that Swift's Glibc module does not show; this file is what it
/// writes to.
private func nameThisThread(_ name: String) {
  let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
  guard file >= 0 else { return }
  var name = String(name.prefix(15))
  _ = name.withUTF8 { write(file, $0.baseAddress, $0.count) }
  close(file)
}
