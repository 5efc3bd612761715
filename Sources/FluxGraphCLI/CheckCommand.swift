internal import FluxClient
internal import FluxGraph
internal import GraphLanguage

/// `fluxgraph check`: reads and checks graphs without running them, and prints their plans.
struct CheckCommand {
  struct Arguments {
    var paths: [String] = []
    var text: String?
    var parameters: [String: String] = [:]
    var isStrict = false

    init(_ arguments: [String]) throws(UsageError) {
      var reader = ArgumentReader(arguments, known: ["-e", "--set", "--strict"])
      while let argument = reader.next() {
        switch argument {
        case "-e": text = try reader.value(of: argument)
        case "--strict": isStrict = true
        case "--set":
          let setting = try reader.value(of: argument)
          guard let equals = setting.firstIndex(of: "="), equals > setting.startIndex else {
            throw UsageError("`--set` wants NAME=VALUE")
          }
          parameters[String(setting[..<equals])] = String(setting[setting.index(after: equals)...])
        default:
          if argument.hasPrefix("-") && argument != "-" { throw reader.unknown(argument) }
          paths.append(argument)
        }
      }
      if paths.isEmpty && text == nil {
        throw UsageError("`check` needs a graph: one or more files, or `-e TEXT`")
      }
    }
  }

  private let arguments: Arguments
  private let catalogue: Catalogue

  init(_ arguments: Arguments, _ catalogue: Catalogue) {
    self.arguments = arguments
    self.catalogue = catalogue
  }

  func run() -> ExitCode {
    var code = ExitCode.success
    if let text = arguments.text { check(GraphFile(text: text), &code) }
    for path in arguments.paths {
      do throws(StageError) {
        check(try GraphFile(path: path), &code)
      } catch {
        Terminal.error.write("error: \(error)\n")
        code = .failure(error.code)
      }
    }
    return code
  }

  private func check(_ file: GraphFile, _ code: inout ExitCode) {
    let result = file.check(catalogue, parameters: arguments.parameters, isStrict: arguments.isStrict)
    Terminal.error.write(result.rendered(color: Terminal.error.isColored))
    if let plan = result.plan {
      Terminal.output.write("\(file.source.name)  ok\n\(PlanPrinter(plan).text)\(billing(plan))\n")
    } else {
      code = .badGraph
    }
  }

  /// What running the graph costs, as far as can be told without opening its inputs.
  private func billing(_ plan: Plan) -> String {
    plan.nodes.compactMap { node in
      let stage = try? node.specification.make(node.settings)
      return (stage as? Flux)?.billing.map { "\(node.title): \($0)\n" }
    }.joined()
  }
}
