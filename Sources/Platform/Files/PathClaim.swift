internal import Glibc

/// The claim of one program, for as long as this value lives, to be the only one that writes at a path, whether or not a file is
/// there yet. It binds nobody who does not ask for it, leaves nothing behind, and ends with the program, however that ends.
package final class PathClaim: Sendable {
  private let descriptor: Int32

  /// - Returns: nil where another program, or another claim of this one, has it.
  package init?(_ path: String) {
    // A name that is no file's: only one socket of this machine can have it.
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let name = [0] + Array("fluxgraph \(Self.digest(of: "\(FilePlace(named: path))"))".utf8)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
    let problem = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, length) == 0 ? 0 : errno }
    }
    descriptor = socket
    // Where there are no such sockets, nobody is kept from anything.
    if socket >= 0, problem == EADDRINUSE { return nil }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Twice FNV-1a of 64 bits: a name as short as such an address takes it.
  private static func digest(of text: String) -> String {
    String(FNV1a.hash(text), radix: 16) + String(FNV1a.hash(text, seed: 0x9AE1_6A3B_2F90_404F), radix: 16)
  }
}
