import FluxClient
import FluxGraph
import Testing

@Suite("The option fault")
struct FaultOptionTests {
  @Test("a fault belongs to the local Flux and is checked before anything runs")
  func validation() {
    var stage = Flux()
    stage.fault = "drop after=5s; latency=1s"
    #expect(codes(stage) == ["fault-without-local"])
    stage.endpoint = .local
    #expect(codes(stage) == [])
    stage.fault = "explode"
    #expect(codes(stage) == ["bad-fault"])
  }

  private func codes(_ stage: Flux) -> [String] {
    StageSpecification(Flux.self).conflicts(in: stage).map(\.code)
  }
}
