import FluxGraph
import Testing

@testable import GraphLanguage

/// Parts of parameters that hold paths.
@Suite struct ParameterPartTests {
  @Test(
    "name, stem and directory of paths and URLs",
    arguments: [
      ("calls/monday/a.wav", "a.wav", "a", "calls/monday"), ("a.tar.gz", "a.tar.gz", "a.tar", "."),
      ("/a", "a", "a", "/"), (".hidden", ".hidden", ".hidden", "."), ("d/..", "..", "..", "d"),
      ("d/e/", "e", "e", "d"), ("https://h/x/b.mp3?k=/v.w#f", "b.mp3", "b", "https://h/x"), ("", "", "", "."),
      ("a b/ü.ö.wav", "ü.ö.wav", "ü.ö", "a b"),
    ])
  func parts(_ path: String, _ name: String, _ stem: String, _ directory: String) {
    #expect(ParameterPart.name.text(of: path) == name)
    #expect(ParameterPart.stem.text(of: path) == stem)
    #expect(ParameterPart.directory.text(of: path) == directory)
  }
}
