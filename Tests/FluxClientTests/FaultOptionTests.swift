import FluxClient
import FluxGraph
import Testing

@Suite("The option fault")
struct FaultOptionTests {
  @Test("a fault belongs to the local Flux and is checked before anything runs")
  func validation() throws {
    var stage = Flux()
    stage.fault = "drop after=5s; latency=1s"
    let remote = #expect(throws: OptionConflict.self) { try stage.validate() }
    #expect(remote?.code == "fault-without-local")
    stage.endpoint = .local
    try stage.validate()
    stage.fault = "explode"
    let wrong = #expect(throws: OptionConflict.self) { try stage.validate() }
    #expect(wrong?.code == "bad-fault")
  }
}
