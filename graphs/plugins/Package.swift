// swift-tools-version: 6.2
import PackageDescription

let fluxgraph = { (product: String) -> Target.Dependency in .product(name: product, package: "fluxgraph") }

let package = Package(
  name: "example-stages",
  products: [
    .library(name: "ExampleStages", targets: ["ExampleStages"]),
    .executable(name: "example-stages", targets: ["ExampleHost"]),
    .executable(name: "listen", targets: ["Listen"]),
  ],
  dependencies: [.package(name: "fluxgraph", path: "../..")],
  targets: [
    .target(name: "ExampleStages", dependencies: [fluxgraph("FluxGraph")]),
    .executableTarget(
      name: "ExampleHost", dependencies: ["ExampleStages", fluxgraph("FluxGraph"), fluxgraph("FluxGraphCLI")]),
    .executableTarget(
      name: "Listen", dependencies: ["ExampleStages", fluxgraph("FluxGraph"), fluxgraph("FluxGraphHost")]),
    .testTarget(
      name: "ExampleStagesTests",
      dependencies: [
        "ExampleStages", fluxgraph("FluxGraph"), fluxgraph("FluxGraphCLI"), fluxgraph("StageTesting"),
      ],
      exclude: ["Peers"]),
  ]
)
