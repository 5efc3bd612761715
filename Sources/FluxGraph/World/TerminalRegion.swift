internal import Glibc
package import Platform
internal import Synchronization

/// The lower end of a terminal that several parts of a program draw on: open turns, notices, a status line. Each write is whole.
///
/// Writing blocks while the terminal takes nothing.
package final class TerminalRegion: Sendable {
  private let drawing = Mutex(TerminalDrawing())
  private let descriptor: Int32

  package init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// The terminal's size, asked for every time: it may have changed.
  package var screen: TerminalScreen {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return TerminalScreen(columns: 80, rows: 24)
    }
    return TerminalScreen(columns: Int(size.ws_col), rows: Int(size.ws_row))
  }

  /// Writes whole lines that stay, above what is drawn.
  /// - Returns: 0, or the `errno` of the failure.
  @discardableResult
  package func print(_ text: TerminalText) -> Int32 {
    drawing.withLock { drawing in
      write(drawing.isDrawn ? drawing.frame(keeping: text.text, on: screen) : text.text)
    }
  }

  /// Writes whole lines that stay, and draws these below them, all of them fit for a terminal already.
  /// - Returns: 0, or the `errno` of the failure.
  package func draw(_ lines: [String], keeping text: String) -> Int32 {
    drawing.withLock { drawing in
      drawing.lines = lines
      return write(drawing.frame(keeping: text, on: screen))
    }
  }

  /// Shows a status, fit for a terminal already, below everything else; nil takes it away.
  package func show(status: String?) {
    drawing.withLock { drawing in
      guard drawing.status != status else { return }
      drawing.status = status
      _ = write(drawing.frame(on: screen))
    }
  }

  /// Takes the status away before the program ends in a hurry; leaves it where someone is writing just now.
  package func eraseStatus() {
    _ = drawing.withLockIfAvailable { drawing in
      guard drawing.isDrawn, drawing.status != nil else { return }
      drawing.status = nil
      _ = write(drawing.frame(on: screen))
    }
  }

  private func write(_ text: String) -> Int32 {
    writeWhole(Array(text.utf8), to: descriptor)
  }
}
