internal import FluxGraph

// What a graph is given as secret: made known as such wherever it comes from, and looked at for what cannot be meant.
extension Bindings {
  /// Where a value comes from.
  private enum Origin {
    case graph
    case variable(String)
    case setting(String)
    /// From outside, by a way that has no name.
    case outside
  }

  private func origin(of syntax: ValueSyntax) -> Origin {
    switch syntax {
    case .atom, .string, .list: return .graph
    case .call(let word, let arguments, _):
      guard word.text == "env", case .atom(let name)? = arguments.first else { return .outside }
      if options.environment(name.text) != nil { return .variable(name.text) }
      return arguments.count == 2 ? origin(of: arguments[1]) : .graph
    case .parameter(let word):
      guard let bound = bound(word.text) else { return .graph }
      if options.parameters[word.text] != nil { return .setting(word.text) }
      if let variable = bound.variable { return .variable(variable) }
      if case .literal = bound.origin { return .graph }
      return .outside
    }
  }

  /// The variable a value is read from; nil where it is another's.
  func variable(of syntax: ValueSyntax) -> String? {
    if case .variable(let name) = origin(of: syntax) { name } else { nil }
  }

  /// Makes what is secret in a value known, by its option or by how it looks.
  /// - Parameter type: nil for the value of a parameter, whose use decides.
  /// - Returns: whether the value can be used; if not, that has been reported.
  mutating func takeNote(of value: GraphValue, _ syntax: ValueSyntax, as type: OptionType?) -> Bool {
    if case .list(let values) = value {
      let element: OptionType? = if case .list(let inner)? = type { inner } else { type }
      var isGood = true
      for (index, value) in values.enumerated() {
        let own = syntax.elements.count == values.count ? syntax.elements[index] : syntax
        isGood = takeNote(of: value, own, as: element) && isGood
      }
      return isGood
    }
    let origin = origin(of: syntax)
    switch (type, value) {
    case (.secret?, .secret(let secret)):
      // What stands in for one that is not there.
      if case .graph = origin { return true }
      note(secret, from: origin)
      if case .setting(let name) = origin { warn(ofSetting: name) }
      return check(secret.reveal(), for: .keeping, origin, syntax)
    case (.header?, _):
      guard let text = value.text else { return true }
      let isCredential = isNameOfSecret(text.prefix { $0 != ":" })
      if case .graph = origin {
        if isCredential { options.secrets.add(header: text) }
        return true
      }
      options.secrets.add(header: text)
      if case .variable(let name) = origin { options.secrets.withhold(variable: name) }
      if case .setting(let name) = origin, isCredential { warn(ofSetting: name) }
      guard check(text, for: .header, origin, syntax) else { return false }
      guard isCredential, let colon = text.firstIndex(of: ":") else { return true }
      return HeaderCredentials(String(text[text.index(after: colon)...])).parts.allSatisfy {
        check($0, for: .keeping, origin, syntax)
      }
    default:
      guard let text = value.text else { return true }
      options.secrets.add(addressesIn: text)
      guard case .variable(let name) = origin else { return true }
      if isNameOfSecret(name) { note(Secret(text), from: origin) }
      // Who puts a whole address into a variable does so because it opens something, as that of an incoming hook.
      if type == .url { for part in AddressCredentials.path(of: text) { note(Secret(part), from: origin) } }
      return true
    }
  }

  // MARK: - Paths

  /// Remembers what from outside goes into a path; whether it is secret is known when everything has been read.
  mutating func takeNote(ofPath syntax: ValueSyntax) {
    switch syntax {
    case .parameter(let word): takeNote(ofPath: word.text, word.span)
    case .call:
      guard let variable = variable(of: syntax), let text = options.environment(variable) else { return }
      pathParts.append(PathPart(holder: variable, text: text, span: syntax.span))
    case .atom(let word), .string(let word):
      for part in word.text.split(separator: "{$", omittingEmptySubsequences: false).dropFirst() {
        takeNote(ofPath: String(part.prefix { $0 != "}" }), word.span)
      }
    case .list(let elements, _): for element in elements { takeNote(ofPath: element) }
    }
  }

  private mutating func takeNote(ofPath parameter: String, _ span: SourceSpan) {
    guard let text = bound(parameter)?.value?.text else { return }
    pathParts.append(PathPart(holder: "$" + parameter, text: text, span: span))
  }

  /// A file's name is seen by everybody who lists its directory.
  mutating func checkPaths() {
    for part in pathParts where options.secrets.holds(part.text) {
      report(
        .secretInPath, "the name of this file would hold a secret, `\(part.holder)`", at: part.span,
        help: "name it by something else")
    }
  }

  // MARK: - Reports

  private func note(_ secret: Secret, from origin: Origin) {
    options.secrets.add(secret)
    if case .variable(let name) = origin { options.secrets.withhold(variable: name) }
  }

  private mutating func check(
    _ text: String, for use: SecretProblem.Use, _ origin: Origin, _ syntax: ValueSyntax
  ) -> Bool {
    guard !options.allowsMissingSecrets, let problem = SecretProblem(text, for: use) else { return true }
    switch origin {
    case .setting(let name):
      add(
        Diagnostic(
          .unusableSecret, problem.sentence("the value of `--set \(name)=…`"), at: nil,
          help: lowercasedFirst(problem.help)))
    case .variable(let name):
      report(.unusableSecret, problem.sentence(name), at: syntax.span, help: lowercasedFirst(problem.help))
    case .graph, .outside:
      report(
        .unusableSecret, problem.sentence("this value"), at: syntax.span, help: lowercasedFirst(problem.help))
    }
    return false
  }

  /// Once for each parameter.
  private mutating func warn(ofSetting name: String) {
    guard warnedSettings.insert(name).inserted else { return }
    add(
      Diagnostic(
        .secretOnCommandLine,
        "`--set \(name)=…` puts a secret on the command line, which everyone on this machine can read",
        at: nil,
        help: "put it into the environment or into a `.env` file, and name the variable: "
          + "`param \(name) = env(NAME)`"))
  }
}
