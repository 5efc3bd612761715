internal import FluxGraph
internal import FoundationEssentials

/// The page of live captions the stage `sse` shows: one document that loads nothing but the events.
enum CaptionPage {
  /// The document.
  static let html = Array(
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
    <meta name="color-scheme" content="light dark">
    <title>Live captions</title>
    <link rel="icon" href="data:,">
    <style>\(style)</style>
    </head>
    <body>
    <p id="state" role="status" class="waiting"><span id="words">connecting</span></p>
    <main id="log" role="log" aria-label="Captions" tabindex="0">
    <p id="empty">Nobody has spoken yet.</p>
    </main>
    <button id="newest" type="button" hidden>↓ Newest</button>
    <noscript><p id="script">This page needs JavaScript.</p></noscript>
    <script>\(script)</script>
    </body>
    </html>

    """.utf8)

  /// Lets the page run its own script and style, and talk to its own server, and nothing else: even a transcript that would
  /// become part of the document could do nothing there.
  static let contentSecurityPolicy =
    "default-src 'none'; script-src '\(source(script))'; style-src '\(source(style))'; connect-src 'self'; "
    + "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  /// A text as Content Security Policy 3 names it (§2.3.1).
  private static func source(_ text: String) -> String {
    "sha256-" + Data(SHA256.hash(Array(text.utf8))).base64EncodedString()
  }
}
