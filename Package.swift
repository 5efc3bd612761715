// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  // `@_lifetime` on properties that hand out a Span of an AudioBuffer's samples.
  .enableExperimentalFeature("Lifetimes"),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["CPlatform", "Platform", "TestSupport"], exclude: exclude,
    swiftSettings: settings)
}

let package = Package(
  name: "fluxgraph",
  products: [
    .executable(name: "fluxgraph", targets: ["Main"]),
    .library(name: "FluxGraph", targets: ["FluxGraph"]),
    .library(name: "FluxGraphHost", targets: ["FluxGraphHost"]),
    .library(name: "FluxGraphCLI", targets: ["FluxGraphCLI"]),
    .library(name: "StageTesting", targets: ["StageTesting"]),
  ],
  targets: [
    .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "COpus", providers: [.apt(["libopus-dev"])]),
    .systemLibrary(name: "CPulse", providers: [.apt(["libpulse-dev"])]),
    .systemLibrary(name: "CSIMD"),
    .systemLibrary(name: "CPlatform"),

    module("Platform", ["CPlatform"]),
    module("HTTPCore"),
    module("FluxGraph", ["Platform", "HTTPCore"]),
    module("GraphLanguage", ["Platform", "FluxGraph"]),
    module("GraphRuntime", ["Platform", "FluxGraph", "GraphLanguage"]),
    module("AudioDSP", ["CSIMD"]),
    module("AudioCodecs", ["COpus", "FluxGraph"]),
    module("FluxProtocol", ["FluxGraph"]),
    module("NetLoop", ["CCurl", "Platform", "FluxGraph", "HTTPCore"]),
    module("AudioStages", ["Platform", "FluxGraph", "AudioDSP", "AudioCodecs", "CPulse"]),
    module("FluxClient", ["Platform", "FluxGraph", "FluxProtocol", "AudioCodecs"]),
    module("EventStages", ["Platform", "FluxGraph"]),
    module(
      "FluxServer",
      ["Platform", "FluxGraph", "FluxProtocol", "HTTPCore", "NetLoop", "AudioCodecs", "AudioDSP"]),
    module("StageTesting", ["FluxGraph", "GraphLanguage", "GraphRuntime"]),
    module(
      "FluxGraphHost",
      [
        "Platform", "FluxGraph", "GraphLanguage", "GraphRuntime", "NetLoop", "AudioCodecs", "AudioStages",
        "FluxClient", "EventStages", "FluxProtocol", "FluxServer",
      ]),
    module(
      "FluxGraphCLI",
      [
        "Platform", "FluxGraph", "GraphLanguage", "GraphRuntime", "NetLoop", "AudioCodecs", "AudioStages",
        "FluxClient", "EventStages", "FluxProtocol", "FluxServer", "FluxGraphHost",
      ]),
    .executableTarget(name: "Main", dependencies: ["FluxGraphCLI"], swiftSettings: settings),

    .target(
      name: "TestSupport", dependencies: ["FluxGraph", "CPlatform"], path: "Tests/TestSupport",
      swiftSettings: settings),
    tests("PlatformTests"),
    tests("FluxGraphTests", ["FluxGraph", "StageTesting"]),
    tests("GraphLanguageTests", ["GraphLanguage", "FluxGraph"]),
    tests("GraphRuntimeTests", ["GraphRuntime", "GraphLanguage", "FluxGraph", "StageTesting"]),
    tests("AudioDSPTests", ["AudioDSP"]),
    tests("AudioCodecsTests", ["AudioCodecs", "COpus", "FluxGraph"]),
    tests("FluxProtocolTests", ["FluxProtocol", "FluxGraph"]),
    tests("HTTPCoreTests", ["HTTPCore"]),
    tests("NetLoopTests", ["NetLoop", "HTTPCore", "FluxGraph"], exclude: ["Peers"]),
    tests("AudioStagesTests", ["AudioStages", "AudioCodecs", "FluxGraph", "StageTesting"]),
    tests(
      "FluxClientTests", ["FluxClient", "FluxProtocol", "FluxGraph", "AudioCodecs", "StageTesting"]),
    tests("EventStagesTests", ["EventStages", "FluxGraph", "StageTesting"]),
    tests(
      "FluxServerTests",
      ["FluxServer", "FluxProtocol", "FluxGraph", "NetLoop", "AudioCodecs", "HTTPCore"],
      exclude: ["Peers"]),
    tests(
      "FluxGraphHostTests",
      ["FluxGraphHost", "FluxGraph", "AudioCodecs", "GraphLanguage", "GraphRuntime", "StageTesting"]),
    tests(
      "FluxGraphCLITests",
      ["FluxGraphCLI", "FluxGraphHost", "FluxGraph", "GraphLanguage", "GraphRuntime", "StageTesting"],
      exclude: ["StageDiagnostics.txt"]),
    tests(
      "EndToEndTests",
      [
        "FluxGraphCLI", "FluxGraphHost", "FluxGraph", "FluxServer", "FluxClient", "FluxProtocol", "HTTPCore",
        "StageTesting",
      ], exclude: ["Peers"]),
  ]
)

// The fuzzers have no `main` of their own and are built only for tools/fuzz/run.
if Context.environment["FLUXGRAPH_FUZZ"] != nil {
  func fuzzer(_ name: String, _ path: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
      name: name, dependencies: dependencies, path: path,
      swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])])
  }
  package.targets += [
    fuzzer("GraphFuzzer", "tools/fuzz/Graph", ["GraphLanguage", "FluxGraph"]),
    fuzzer("ServerFuzzer", "tools/fuzz/Server", ["FluxServer", "FluxProtocol", "HTTPCore"]),
    fuzzer("SoundFuzzer", "tools/fuzz/Sound", ["AudioCodecs", "AudioStages", "FluxGraph"]),
  ]
}

// What tools/bench turns runs.
if Context.environment["FLUXGRAPH_BENCH"] != nil {
  package.targets.append(
    .executableTarget(
      name: "TurnBench", dependencies: ["FluxServer", "FluxGraph"], path: "tools/turns/Bench",
      swiftSettings: settings))
}
