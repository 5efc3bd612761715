internal import Glibc

/// Where a program is found: the first directory of PATH that has it; nil where none has.
public func programPath(of name: String) -> String? {
  let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
  let found = path.split(separator: ":").map { "\($0)/\(name)" }.first { candidate in
    var status = stat()
    return access(candidate, X_OK) == 0 && stat(candidate, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }
  // It may be started in another directory.
  guard let found, !found.hasPrefix("/"), let whole = realpath(found, nil) else { return found }
  defer { free(whole) }
  return String(cString: whole)
}
