import ExampleStages
import FluxGraph
import FluxGraphCLI

FluxGraphCLI.main(catalogue: .standard.adding(.examples))
