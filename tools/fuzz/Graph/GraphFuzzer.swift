import FluxGraph
import GraphLanguage

/// What libFuzzer calls with each input: reads it as a graph, checks it, and lays it out twice.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzGraph(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  let source = GraphSource(name: "fuzz", text: text, directory: ".")
  let result = Checker(catalogue: Catalogue()).check(source)
  _ = result.rendered(color: true)
  _ = result.json
  precondition((result.plan == nil) == result.diagnostics.contains { $0.severity == .error })
  if let once = GraphFormatter.format(source).text {
    let twice = GraphFormatter.format(GraphSource(name: "fuzz", text: once, directory: ".")).text
    precondition(once == twice, "formatting changes twice: \(text.debugDescription)")
  }
  return 0
}
